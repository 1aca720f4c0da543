// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

static int digit(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_percent_decode(const char **out, struct arena *a, struct slice raw) {
    char *text = arena_alloc(a, raw.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        int c = raw.ptr[i];
        if (c == '%') {
            int hi = i + 2 < raw.len ? digit(raw.ptr[i + 1]) : -1;
            int lo = i + 2 < raw.len ? digit(raw.ptr[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return false;
            c = hi << 4 | lo;
            i += 2;
        }
        if (c == 0)
            return false;
        text[n++] = (char)c;
    }
    text[n] = 0;
    *out = text;
    return true;
}

const char *http_method_name(enum http_method m) {
    switch (m) {
    case HTTP_GET: return "GET";
    case HTTP_POST: return "POST";
    case HTTP_PUT: return "PUT";
    case HTTP_DELETE: return "DELETE";
    case HTTP_HEAD: return "HEAD";
    case HTTP_OPTIONS: return "OPTIONS";
    }
    return "";
}

static bool add_param(struct arena *a, struct http_params *out, struct slice name, struct slice raw, bool *bad) {
    BUG_ON(out->count == HTTP_PARAMS_MAX);
    const char *value;
    if (!http_percent_decode(&value, a, raw)) {
        *bad = true;
        return false;
    }
    out->at[out->count].name = arena_text(a, name);
    out->at[out->count++].value = value;
    return true;
}

// Does the pattern match the raw path? Fills the parameters on the way; *bad for an escape that cannot be decoded.
static bool match(const char *pattern, const char *path, struct arena *a, struct http_params *out, bool *bad) {
    out->count = 0;
    while (*pattern == '/' && *path == '/') {
        size_t pn = strcspn(++pattern, "/"), n = strcspn(++path, "/");
        if (pattern[0] == '{') {
            struct slice name = slice_of(pattern + 1, pn - 2);
            bool rest = name.ptr[name.len - 1] == '*';
            if (rest) {
                name.len--;
                n = strlen(path);
            }
            if (!n || !add_param(a, out, name, slice_of(path, n), bad))
                return false;
        } else if (pn != n || memcmp(pattern, path, n) != 0) {
            return false;
        }
        pattern += pn;
        path += n;
    }
    return !*pattern && !*path;
}

static bool is_literal(const struct http_route *routes, size_t count, const char *raw_path) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(routes[i].path, raw_path) == 0)
            return true;
    return false;
}

const struct http_route *http_route_find(const struct http_route *routes, size_t count, enum http_method method,
                                         const char *raw_path, struct arena *a, struct http_params *out,
                                         unsigned *allowed, struct err *e) {
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
    bool bad = false, literal = is_literal(routes, count, raw_path); // then no parameter stands for its last part
    *allowed = 0;
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (literal ? strcmp(routes[i].path, raw_path) != 0 : !match(routes[i].path, raw_path, a, out, &bad))
            continue;
        if (routes[i].method == wanted)
            return &routes[i];
        *allowed |= routes[i].method;
    }
    out->count = 0;
    if (bad)
        err_set(e, ERR_INVALID, "the path has a broken percent escape");
    else if (*allowed)
        err_set(e, ERR_METHOD, "this path does not take %s", http_method_name(method));
    else
        err_set(e, ERR_NOT_FOUND, "no such path: %.200s", raw_path);
    return NULL;
}
