// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdatomic.h>

#define LINE_MAX_BYTES 2048

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *daemon_name = "outlayer";
static atomic_int threshold = LOG_INFO;
static _Thread_local char request[80];

bool log_init(const char *daemon, const char *level, struct err *e) {
    for (int i = 0; i < (int)ARRAY_LEN(level_names); i++) {
        if (strcmp(level, level_names[i]) == 0) {
            daemon_name = daemon;
            threshold = i;
            return true;
        }
    }
    err_set(e, ERR_SETTINGS, "unknown log level '%s'", level);
    return err_hint(e, "LOG_LEVEL is error, warn, info or debug");
}

void log_request(const char *id) { snprintf(request, sizeof request, "%s", id ? id : ""); }
bool log_wants(enum log_level level) { return (int)level <= threshold; }

void log_line(enum log_level level, const char *fmt, ...) {
    if (!log_wants(level))
        return;
    char line[LINE_MAX_BYTES], time[32];
    int n = snprintf(line, sizeof line, "%s %-5s %s%s%s%s ", clock_iso8601(clock_wall_ms(), time), level_names[level],
                     daemon_name, request[0] ? "[" : "", request, request[0] ? "]" : "");
    va_list ap;
    va_start(ap, fmt);
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
    va_end(ap);
    if (m < 0)
        line[n] = 0;
    text_repair(line + n);
    size_t len = strlen(line);
    for (size_t i = 0; i < len; i++) // one event, one line, whatever a stranger wrote into it
        if ((uint8_t)line[i] < 0x20 || line[i] == 0x7F)
            line[i] = ' ';
        else if ((uint8_t)line[i] == 0xC2 && (uint8_t)line[i + 1] < 0xA0) // U+0080 to U+009F, which terminals obey, too
            line[i] = line[i + 1] = ' ';
    line[len++] = '\n';
    fwrite(line, 1, len, stderr); // one call: stdio locks the stream, lines do not mix
}

void log_err(enum log_level level, const char *what, const struct err *e) {
    log_line(level, "%s: %s%s%s code=%s", what, e->msg, e->hint[0] ? "; " : "", e->hint, err_slug(e->code));
}

const char *log_url(const char *url, char out[static 256]) {
    const char *scheme = strstr(url, "://");
    const char *host = scheme ? scheme + 3 : url;
    size_t authority = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', authority);
    if (at) {
        authority -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    size_t path = authority + strcspn(host + authority, "?#");
    snprintf(out, 256, "%.*s%.*s", scheme ? (int)(scheme + 3 - url) : 0, url, (int)path, host);
    return out;
}
