// SPDX-License-Identifier: Apache-2.0
// The one logger: a line per event on standard error, "TIME LEVEL daemon[request] message key=value …", or as JSON an
// object a line. What strangers wrote neither ends a line nor steers a terminal. Safe from several threads. Never a
// secret, never an API key of a URL (log_url).
// Levels by meaning: error = somebody must act; warn = odd, handled; info = a life event; debug = for the curious.
#pragma once
#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

// `daemon` is kept, not copied. level: "error", "warn", "info" or "debug"; format: "text" or "json", NULL: text.
// Anything else fails and changes nothing.
bool log_init(const char *daemon, const char *level, const char *format, struct err *e);
#define LOG_SETTINGS(s, level, format)                                                                                 \
    SET_TEXT(s, level, "LOG_LEVEL", "info", "error, warn, info or debug"),                                             \
        SET_TEXT(s, format, "LOG_FORMAT", "text", "text, or json: one object a line")

// What this thread works on, until changed; "" or NULL when none. Shown on each of its lines.
// The request of a contract: every daemon that has to do with it names it in the same way.
#define LOG_ID_MAX 96                                              // a longer one is cut
void log_request_of(const char *contract_id, uint64_t request_id); // "CONTRACT/ID"
void log_request(const char *id);
// The call that is being answered, by its X-Request-Id.
void log_call(const char *id);
// What to send along as X-Request-Id, so that the logs of whoever is asked name the same: the request, or else the
// call; NULL when there is neither. Valid until this thread changes either.
const char *log_trace(void);
// Whether somebody else's id may stand in our logs and headers: short, of letters, digits and a few signs.
bool log_is_id(const char *id);
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
