// SPDX-License-Identifier: Apache-2.0
// Error values. A function that can fail returns bool and takes `struct err *` last: true leaves it untouched, false
// means it says what went wrong. Set it once where the facts are known, wrap it on the way up, print it at the top.
//   msg:  lower case, the failure first, quotes its subject, no full stop, never a secret
//   hint: what the reader can do about it ("" when there is nothing)
// Both are UTF-8 whatever they quote: a character that is cut off at the end goes, other broken bytes become '?'.
#pragma once
#include "base/compat.h"

// code, slug on the wire, HTTP status
#define ERR_CODES(X)                                                                                                   \
    X(ERR_INTERNAL, "internal", 500)                                                                                   \
    X(ERR_INVALID, "invalid_input", 400)                                                                               \
    X(ERR_USAGE, "wrong_usage", 400)                                                                                   \
    X(ERR_UNAUTHORIZED, "unauthorized", 401)                                                                           \
    X(ERR_FORBIDDEN, "forbidden", 403)                                                                                 \
    X(ERR_NOT_FOUND, "not_found", 404)                                                                                 \
    X(ERR_METHOD, "method_not_allowed", 405)                                                                           \
    X(ERR_CONFLICT, "conflict", 409)                                                                                   \
    X(ERR_LEASE_LOST, "lease_lost", 409)                                                                               \
    X(ERR_TOO_LARGE, "too_large", 413)                                                                                 \
    X(ERR_TOO_MANY, "too_many_requests", 429)                                                                          \
    X(ERR_LIMIT, "limit_exceeded", 400)                                                                                \
    X(ERR_UNAVAILABLE, "unavailable", 503)                                                                             \
    X(ERR_IN_DOUBT, "in_doubt", 503)                                                                                   \
    X(ERR_TIMEOUT, "timeout", 504)                                                                                     \
    X(ERR_IO, "io_error", 500)                                                                                         \
    X(ERR_CORRUPT, "corrupt_data", 500)                                                                                \
    X(ERR_CHAIN, "chain_error", 502)                                                                                   \
    X(ERR_SETTINGS, "bad_settings", 500)

enum err_code {
#define X(code, slug, http) code,
    ERR_CODES(X)
#undef X
};

struct err {
    enum err_code code;
    char msg[512];
    char hint[256];
};

const char *err_slug(enum err_code code);
int err_http_status(enum err_code code);

// All three return false, so that a failing function ends in one line. `e` may be NULL (the caller does not care why).
bool err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
// Adds what the reader can do; call after err_set.
bool err_hint(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Puts "context: " before the message, code and hint stay.
bool err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
// err_set with ": strerror(errno)" behind the text, code ERR_IO.
bool err_errno(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

// Our own mistake, not an error value: prints and aborts. The condition has no side effects.
#define BUG_ON(cond)                                                                                                   \
    do {                                                                                                               \
        if (cond)                                                                                                      \
            bug_abort(__FILE__, __LINE__, #cond);                                                                      \
    } while (0)
_Noreturn void bug_abort(const char *file, int line, const char *what);

// malloc family that aborts with a message: daemons do not run on without memory. Sizes are limited by their callers.
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
