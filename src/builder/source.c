// SPDX-License-Identifier: Apache-2.0
#include "builder/source.h"

#include <ctype.h>

const char *source_target_text(enum source_target t) { return t == TARGET_P1 ? "wasm32-wasip1" : "wasm32-wasip2"; }

static bool all_of(struct slice s, const char *more) {
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum(s.ptr[i]) && (!s.ptr[i] || !strchr(more, s.ptr[i])))
            return false;
    return true;
}

// A host name: labels of letters, digits and inner hyphens, at least two of them or "local", optionally a port.
static bool host_ok(struct slice host) {
    if (!host.len || host.len > 100 || !isalnum(host.ptr[0]) || !all_of(host, ".-:"))
        return false;
    const uint8_t *colon = memchr(host.ptr, ':', host.len);
    if (colon) {
        size_t digits = host.len - (size_t)(colon - host.ptr) - 1;
        if (!digits || digits > 5)
            return false;
        for (size_t i = 0; i < digits; i++)
            if (!isdigit(colon[1 + i]))
                return false;
        host.len = (size_t)(colon - host.ptr);
    }
    for (size_t i = 0; i < host.len; i++) {
        bool edge = i == 0 || host.ptr[i - 1] == '.' || i + 1 == host.len || host.ptr[i + 1] == '.';
        if ((host.ptr[i] == '.' && edge && !isalnum(host.ptr[i + 1 < host.len ? i + 1 : i])) ||
            (host.ptr[i] == '-' && edge))
            return false;
    }
    return slice_eq_str(host, "local") || memchr(host.ptr, '.', host.len) != NULL;
}

// One part of a path: not empty, no leading '-' or '.', only characters that need no escaping anywhere.
static bool part_ok(struct slice part) {
    return part.len && part.len <= 100 && (isalnum(part.ptr[0]) || part.ptr[0] == '_') && all_of(part, "._-+~");
}

static struct slice cut_until(struct slice *rest, char c) {
    const uint8_t *at = rest->len ? memchr(rest->ptr, c, rest->len) : NULL;
    struct slice part = slice_of(rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len);
    *rest = slice_skip(*rest, part.len + (at ? 1 : 0));
    return part;
}

static bool repo_refused(struct err *e, const char *repo, const char *why) {
    err_set(e, ERR_INVALID, "repository '%.100s' is not acceptable: %s", repo, why);
    return err_hint(e, "write https://host/owner/name, host/owner/name, or owner/name for github.com");
}

static bool repo_parse(struct source *out, struct arena *a, const char *repo, struct err *e) {
    struct slice s = slice_str(repo), rest;
    if (!s.len || s.len > SOURCE_REPO_MAX)
        return repo_refused(e, repo ? repo : "", s.len ? "it is too long" : "it is empty");
    bool https = slice_starts(s, SLICE_LIT("https://"));
    if (!https && strstr(repo, "://"))
        return repo_refused(e, repo, "only https is served");
    s = https ? slice_skip(s, 8) : s;
    if (memchr(s.ptr, '@', s.len))
        return repo_refused(e, repo, "it holds a login");
    if (s.len && s.ptr[s.len - 1] == '/')
        s.len--;
    if (s.len > 4 && memcmp(s.ptr + s.len - 4, ".git", 4) == 0)
        s.len -= 4;
    size_t parts = 0;
    for (rest = s; rest.len; parts++)
        cut_until(&rest, '/');
    bool short_form = !https && parts == 2;
    rest = s;
    struct slice host = short_form ? SLICE_LIT("github.com") : cut_until(&rest, '/');
    if (!host_ok(host))
        return repo_refused(e, repo, "it names no host");
    struct slice path = rest;
    for (parts = 0; rest.len; parts++)
        if (!part_ok(cut_until(&rest, '/')))
            return repo_refused(e, repo, "its path holds something else than plain names");
    if (parts < 2 || parts > 8 || path.ptr[path.len - 1] == '/' || (slice_eq_str(host, "github.com") && parts != 2))
        return repo_refused(e, repo, "it is not an owner and a name");
    char *lower = arena_text(a, host);
    for (char *p = lower; *p; p++)
        *p = (char)tolower(*p);
    out->name = arena_printf(a, "%s/%.*s", lower, SLICE_FMT(path));
    out->url = arena_printf(a, "https://%s", out->name);
    return true;
}

static bool is_commit(const char *ref) {
    size_t n = strspn(ref, "0123456789abcdefABCDEF");
    return n == 40 && !ref[n];
}

// git's own rules for names of refs, and stricter.
static bool ref_parse(struct source *out, struct arena *a, const char *ref, struct err *e) {
    if (!ref || !ref[0])
        ref = "HEAD";
    struct slice s = slice_str(ref);
    out->is_commit = is_commit(ref);
    bool ok = s.len <= SOURCE_REF_MAX && isalnum(s.ptr[0]) && all_of(s, "._-/+@#") && !strstr(ref, "..") &&
              !strstr(ref, "//") && !strstr(ref, "/.") && !strstr(ref, "@{") && !strstr(ref, ".lock/") &&
              !strchr("/.", s.ptr[s.len - 1]) && !(s.len > 5 && strcmp(ref + s.len - 5, ".lock") == 0);
    ok = ok &&
         (strncmp(ref, "refs/", 5) != 0 || strncmp(ref, "refs/heads/", 11) == 0 || strncmp(ref, "refs/tags/", 10) == 0);
    if (!ok) {
        err_set(e, ERR_INVALID, "'%.100s' is not the name of a branch, a tag or a commit", ref);
        return err_hint(e, "commits are 40 hexadecimal digits");
    }
    char *copy = arena_strdup(a, ref);
    for (char *p = copy; out->is_commit && *p; p++)
        *p = (char)tolower(*p);
    out->ref = copy;
    return true;
}

bool source_parse(struct source *out, struct arena *a, const char *repo, const char *ref, const char *target,
                  struct err *e) {
    *out = (struct source){0};
    if (target && (strcmp(target, "wasm32-wasip1") == 0 || strcmp(target, "wasm32-wasi") == 0))
        out->target = TARGET_P1;
    else if (target && strcmp(target, "wasm32-wasip2") == 0)
        out->target = TARGET_P2;
    else
        return err_set(e, ERR_INVALID, "build target '%.60s' is unknown: wasm32-wasip1 and wasm32-wasip2 are built",
                       target ? target : "");
    return repo_parse(out, a, repo, e) && ref_parse(out, a, ref, e);
}

bool source_map_parse(struct source_map *out, struct arena *a, const char *text, struct err *e) {
    struct slice rest = slice_str(text);
    *out = (struct source_map){.entries = arena_calloc(a, rest.len / 2 + 1, sizeof *out->entries)};
    while (rest.len) {
        struct slice item = cut_until(&rest, ','), dir = item, name = cut_until(&dir, '=');
        struct source s = {.name = arena_text(a, name)};
        if (!item.len)
            continue;
        if (!dir.len || dir.ptr[0] != '/')
            return err_set(e, ERR_SETTINGS, "REPO_MAP: '%.*s' is not host=/folder or host/owner/name=/folder",
                           SLICE_FMT(item));
        if (!host_ok(name) && !repo_parse(&s, a, s.name, e))
            return err_wrap(e, "REPO_MAP");
        out->entries[out->count++] = (struct source_mapping){s.name, arena_text(a, dir)};
    }
    return true;
}

const char *source_map_find(const struct source_map *m, struct arena *a, const char *name) {
    const char *path = strchr(name, '/');
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->entries[i].name, name) == 0)
            return m->entries[i].dir;
    for (size_t i = 0; path && i < m->count; i++) {
        if (strncmp(m->entries[i].name, name, (size_t)(path - name)) != 0 || m->entries[i].name[path - name])
            continue;
        const char *plain = arena_printf(a, "%s%s", m->entries[i].dir, path);
        return access(plain, F_OK) == 0 ? plain : arena_printf(a, "%s.git", plain);
    }
    return NULL;
}
