// SPDX-License-Identifier: Apache-2.0
#include "secrets/repo.h"

#define GITHUB "github.com/"

static struct slice trimmed(struct slice s) {
    while (s.len && strchr(" \t\r\n", s.ptr[0]) && s.ptr[0])
        s = slice_skip(s, 1);
    while (s.len && strchr(" \t\r\n", s.ptr[s.len - 1]) && s.ptr[s.len - 1])
        s.len--;
    return s;
}

static bool refuse(struct slice text, struct err *e) {
    err_set(e, ERR_INVALID, "'%.*s' does not name a repository", text.len < 100 ? (int)text.len : 100,
            (const char *)text.ptr);
    return err_hint(e, "write it as https://host/owner/name, host/owner/name, owner/name or git@host:owner/name");
}

// Visible ASCII, and nothing that a JSON text, a path or a program's option could take for something else.
static bool is_part(struct slice s) {
    if (s.len == 0 || s.ptr[0] == '-' || slice_eq_str(s, ".") || slice_eq_str(s, ".."))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || strchr("/:\"\\", s.ptr[i]))
            return false;
    return true;
}

static bool is_host(struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_", s.ptr[i]))
            return false;
    return is_part(s);
}

// Splits at the first `by`; without one the rest becomes empty and false comes back.
static bool split(struct slice s, char by, struct slice *head, struct slice *rest) {
    const uint8_t *at = s.len ? memchr(s.ptr, by, s.len) : NULL;
    *head = at ? slice_of(s.ptr, (size_t)(at - s.ptr)) : s;
    *rest = at ? slice_skip(s, head->len + 1) : (struct slice){0};
    return at != NULL;
}

// host and "owner/name", or an empty host for "owner/name" alone.
static bool split_host(struct slice s, struct slice *host, struct slice *path) {
    if (slice_starts(s, SLICE_LIT("git@")))
        return split(slice_skip(s, 4), ':', host, path);
    if (slice_starts(s, SLICE_LIT("https://")))
        return split(slice_skip(s, 8), '/', host, path);
    if (slice_starts(s, SLICE_LIT("http://")))
        return split(slice_skip(s, 7), '/', host, path);
    struct slice owner, name, more;
    if (!split(s, '/', &owner, &more))
        return false;
    if (split(more, '/', &name, &(struct slice){0})) {
        *host = owner;
        *path = more;
    } else {
        *host = slice_of(GITHUB, sizeof GITHUB - 2);
        *path = s;
    }
    return true;
}

bool repo_normal(struct arena *a, struct slice text, const char **out, struct err *e) {
    struct slice s = trimmed(text), host, path, owner, name;
    if (!split_host(s, &host, &path) || !split(path, '/', &owner, &name))
        return refuse(s, e);
    // All of them, so that a normal form's own normal form is itself, wherever it is made again.
    while (name.len > 4 && slice_eq_str(slice_skip(name, name.len - 4), ".git"))
        name.len -= 4;
    if (!is_host(host) || !is_part(owner) || !is_part(name))
        return refuse(s, e);
    if (host.len + owner.len + name.len + 2 > REPO_NORMAL_MAX)
        return err_set(e, ERR_INVALID, "the repository's name has more than %d bytes", REPO_NORMAL_MAX);
    *out = arena_printf(a, "%.*s/%.*s/%.*s", SLICE_FMT(host), SLICE_FMT(owner), SLICE_FMT(name));
    return true;
}
