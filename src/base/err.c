// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include "base/text.h"
#include <errno.h>
#include <stdarg.h>

static const struct {
    const char *slug;
    int http;
} codes[] = {
#define X(code, slug, http) [code] = {slug, http},
    ERR_CODES(X)
#undef X
};

const char *err_slug(enum err_code code) { return codes[code].slug; }
int err_http_status(enum err_code code) { return codes[code].http; }

// vsnprintf whose text is UTF-8 whatever goes in: an error quotes strangers, and precisions cut inside characters.
static void format(char *out, size_t size, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);
static void format(char *out, size_t size, const char *fmt, va_list ap) {
    int n = vsnprintf(out, size, fmt, ap);
    if (n < 0)
        out[0] = 0;
    text_repair(out);
}

bool err_set(struct err *e, enum err_code code, const char *fmt, ...) {
    if (!e)
        return false;
    char msg[sizeof e->msg]; // the arguments may point into *e
    va_list ap;
    va_start(ap, fmt);
    format(msg, sizeof msg, fmt, ap);
    va_end(ap);
    *e = (struct err){.code = code};
    memcpy(e->msg, msg, sizeof msg);
    return false;
}

bool err_hint(struct err *e, const char *fmt, ...) {
    if (!e)
        return false;
    char hint[sizeof e->hint];
    va_list ap;
    va_start(ap, fmt);
    format(hint, sizeof hint, fmt, ap);
    va_end(ap);
    memcpy(e->hint, hint, sizeof hint);
    return false;
}

bool err_wrap(struct err *e, const char *fmt, ...) {
    if (!e)
        return false;
    char text[2 * sizeof e->msg], context[sizeof e->msg];
    va_list ap;
    va_start(ap, fmt);
    format(context, sizeof context, fmt, ap);
    va_end(ap);
    snprintf(text, sizeof text, "%s: %s", context, e->msg);
    text[sizeof e->msg - 1] = 0;
    text_repair(text);
    memcpy(e->msg, text, sizeof e->msg);
    return false;
}

bool err_errno(struct err *e, const char *fmt, ...) {
    int number = errno;
    char text[sizeof e->msg];
    va_list ap;
    va_start(ap, fmt);
    format(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(e, ERR_IO, "%s: %s", text, strerror(number));
}

void bug_abort(const char *file, int line, const char *what) {
    fprintf(stderr, "bug: %s:%d: %s\n", file, line, what);
    abort();
}

static void *or_die(void *p, size_t n) {
    if (!p) {
        fprintf(stderr, "out of memory: %zu bytes\n", n);
        abort();
    }
    return p;
}

void *xmalloc(size_t n) { return or_die(malloc(n ? n : 1), n); }
void *xcalloc(size_t n, size_t size) { return or_die(calloc(n ? n : 1, size ? size : 1), n); }
void *xrealloc(void *p, size_t n) { return or_die(realloc(p, n ? n : 1), n); }
char *xstrdup(const char *s) { return or_die(strdup(s), strlen(s)); }
