// SPDX-License-Identifier: Apache-2.0
// The one logger: a line per event on standard error, "TIME LEVEL daemon[request] message key=value …".
// Values that need it are quoted. Safe from several threads. Never a secret, never an API key of a URL (log_url).
// Levels by meaning: error = somebody must act; warn = odd, handled; info = a life event; debug = for the curious.
#pragma once
#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

// `daemon` is kept, not copied. level: "error", "warn", "info" or "debug"; anything else fails.
bool log_init(const char *daemon, const char *level, struct err *e);
// The request that this thread works on, until changed; "" or NULL when none. Shown on each of its lines.
void log_request(const char *id);
bool log_wants(enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
// An error value: its message, hint and code in one line, "what: " in front.
void log_err(enum log_level level, const char *what, const struct err *e);
// URL without user info, query and fragment.
const char *log_url(const char *url, char out[static 256]);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                                                 \
    do {                                                                                                               \
        if (log_wants(LOG_DEBUG))                                                                                      \
            log_line(LOG_DEBUG, __VA_ARGS__);                                                                          \
    } while (0)
