// SPDX-License-Identifier: Apache-2.0
#include "repo/repo.h"

#define HTTPS "https://"
#define GITHUB "github.com"
#define USUAL "write https://host/owner/name, host/owner/name, or owner/name for " GITHUB

static bool refuse(struct err *e, const char *text, const char *why) {
    err_set(e, ERR_INVALID, "repository '%.256s' is not acceptable: %s", text, why);
    return err_hint(e, USUAL);
}

// Parts of a path, without the empty ones.
static size_t count_parts(const char *path) {
    size_t n = 0;
    for (const char *p = path; *p; p++)
        n += *p != '/' && (p == path || p[-1] == '/');
    return n;
}

static char *small(struct arena *a, const char *text, size_t len) {
    char *s = arena_text(a, slice_of(text, len));
    for (char *p = s; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return s;
}

// --- the folder behind "//"

static bool folder_part_ok(const char *p, size_t n) {
    if (n == 0 || *p == '-' || (n <= 2 && memcmp(p, "..", n) == 0) || (n == 4 && strncasecmp(p, ".git", 4) == 0))
        return false;
    for (size_t i = 0; i < n; i++)
        if (rule_kind(p[i]) < RULE_PART && p[i] != '@')
            return false;
    return true;
}

static bool folder_ok(const char *folder) {
    for (const char *p = folder;; p++) {
        size_t n = strcspn(p, "/");
        if (!folder_part_ok(p, n))
            return false;
        p += n;
        if (!*p)
            return true;
    }
}

static bool cut_folder(char *text, const char **folder, const char *asked, struct err *e) {
    char *at = strstr(text, "//");
    *folder = NULL;
    if (!at)
        return true;
    *at = 0;
    char *f = at + 2;
    size_t n = strlen(f);
    if (n > 1 && f[n - 1] == '/')
        f[n - 1] = 0;
    if (!folder_ok(f)) {
        refuse(e, asked, "what stands behind // is not a folder of it");
        return err_hint(e, "write the folder by its plain names, such as host/owner/name//examples/guest");
    }
    *folder = f;
    return true;
}

// --- why a name is none

static bool refuse_scheme(const char *text, struct err *e) {
    const char *rest = strstr(text, "://") + 3;
    refuse(e, text, "repositories are fetched over https only");
    return rest[0] ? err_hint(e, "write " HTTPS "%s", rest) : false;
}

// user@host:path is how ssh writes it.
static bool refuse_login(const char *text, struct err *e) {
    const char *host = strchr(text, '@') + 1, *colon = strchr(host, ':');
    refuse(e, text, "it names a user, and repositories are fetched without a login");
    if (colon && rule_kind(colon[1]) < RULE_DIGIT)
        return err_hint(e, "write " HTTPS "%.*s/%s", (int)(colon - host), host, colon + 1);
    return err_hint(e, "write " HTTPS "%s", host);
}

static bool is_host(struct arena *a, const char *host, size_t len) {
    const char *any = arena_printf(a, "%.*s/owner/name", (int)len, host);
    return len <= REPO_MAX - 11 && repo_name_ok(any, strlen(any));
}

static bool refuse_name(struct arena *a, const char *name, const char *asked, struct err *e) {
    const char *path = strchr(name, '/');
    size_t parts = path ? count_parts(path) : 0, n = strlen(name);
    if (n > REPO_MAX)
        return refuse(e, asked, "its name has more than 256 bytes");
    if (!path || parts < 2)
        return refuse(e, asked, "it is not an owner and a name");
    if (!is_host(a, name, (size_t)(path - name)))
        return refuse(e, asked, "it names no host");
    if (n > 4 && strcmp(name + n - 4, ".git") == 0)
        return refuse(e, asked, "its name ends in .git twice");
    if (parts == 2 || strncmp(name, GITHUB "/", sizeof GITHUB) != 0)
        return refuse(e, asked, "its path holds something else than plain names");
    refuse(e, asked, "a repository of " GITHUB " is an owner and a name");
    return err_hint(e, "name a folder behind it as owner/name//folder, and a branch as the commit");
}

// --- reading

// Without what may stand behind a name: a slash, then .git.
static void strip(char *s) {
    size_t n = strlen(s);
    if (n && s[n - 1] == '/')
        s[--n] = 0;
    if (n > 4 && strcmp(s + n - 4, ".git") == 0 && s[n - 5] != '/')
        s[n - 4] = 0;
}

// owner/name, where the owner could not be a host that lost its scheme.
static bool is_short(const char *s) {
    const char *slash = strchr(s, '/');
    return slash && !strchr(slash + 1, '/') && !memchr(s, '.', (size_t)(slash - s));
}

// Host names have no capitals, and the port of https goes without saying.
static const char *make_name(struct arena *a, const char *s, bool https) {
    if (!https && is_short(s))
        return arena_printf(a, GITHUB "/%s", s);
    size_t n = strcspn(s, "/"), host = n > 4 && memcmp(s + n - 4, ":443", 4) == 0 ? n - 4 : n;
    return arena_printf(a, "%s%s", small(a, s, host), s + n);
}

bool repo_read(struct repo *out, struct arena *a, const char *text, struct err *e) {
    *out = (struct repo){0};
    if (!text || !text[0])
        return refuse(e, "", "it is empty");
    if (strlen(text) > REPO_MAX)
        return refuse(e, text, "it has more than 256 bytes");
    bool https = strncmp(text, HTTPS, sizeof HTTPS - 1) == 0;
    if (!https && strstr(text, "://"))
        return refuse_scheme(text, e);
    char *s = arena_strdup(a, https ? text + sizeof HTTPS - 1 : text);
    if (!cut_folder(s, &out->folder, text, e))
        return false;
    if (strchr(s, '@'))
        return refuse_login(s, e);
    strip(s);
    const char *name = make_name(a, s, https);
    if (!repo_name_ok(name, strlen(name)))
        return refuse_name(a, name, text, e);
    out->name = name;
    out->url = arena_printf(a, HTTPS "%s", name);
    out->place = out->folder ? arena_printf(a, "%s//%s", out->url, out->folder) : out->url;
    return true;
}

bool repo_name(const char **out, struct arena *a, const char *text, struct err *e) {
    struct repo r;
    bool ok = repo_read(&r, a, text, e);
    *out = r.name;
    return ok;
}
