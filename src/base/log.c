// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdatomic.h>

#define MESSAGE_MAX 2048
#define LINE_MAX_BYTES (2 * MESSAGE_MAX + 2048) // each character of a message may need a backslash in JSON

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *daemon_name = "outlayer";
static atomic_int threshold = LOG_INFO;
static atomic_bool as_json;
static _Thread_local char request[LOG_ID_MAX], call[LOG_ID_MAX];

bool log_init(const char *daemon, const char *level, const char *format, struct err *e) {
    bool json = format && strcmp(format, "json") == 0;
    if (!json && format && strcmp(format, "text") != 0) {
        err_set(e, ERR_SETTINGS, "unknown log format '%s'", format);
        return err_hint(e, "LOG_FORMAT is text or json");
    }
    for (int i = 0; i < (int)ARRAY_LEN(level_names); i++) {
        if (strcmp(level, level_names[i]) == 0) {
            daemon_name = daemon;
            threshold = i;
            atomic_store(&as_json, json);
            return true;
        }
    }
    err_set(e, ERR_SETTINGS, "unknown log level '%s'", level);
    return err_hint(e, "LOG_LEVEL is error, warn, info or debug");
}

// One after the other, as servers do this several times for each answer: strspn would begin each time with a table.
static bool is_id_sign(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == ':' || c == '/' || c == '-';
}

bool log_is_id(const char *id) {
    size_t n = 0;
    while (n < LOG_ID_MAX && is_id_sign(id[n]))
        n++;
    return n > 0 && n < LOG_ID_MAX && !id[n];
}

static void keep_id(char out[static LOG_ID_MAX], const char *id) {
    size_t n = 0;
    for (; id && id[n] && n < LOG_ID_MAX - 1; n++)
        out[n] = is_id_sign(id[n]) ? id[n] : '?';
    out[n] = 0;
}

void log_request(const char *id) { keep_id(request, id); }
void log_call(const char *id) { keep_id(call, id); }
void log_request_of(const char *contract_id, uint64_t request_id) {
    char id[LOG_ID_MAX];
    snprintf(id, sizeof id, "%.64s/%llu", contract_id, (unsigned long long)request_id);
    keep_id(request, id);
}
const char *log_trace(void) { return request[0] ? request : call[0] ? call : NULL; }
bool log_wants(enum log_level level) { return (int)level <= threshold; }

// One event, one line, whatever a stranger wrote into it.
static void clean(char *text) {
    text_repair(text);
    for (; *text; text++)
        if ((uint8_t)*text < 0x20 || *text == 0x7F)
            *text = ' ';
        else if ((uint8_t)text[0] == 0xC2 && (uint8_t)text[1] < 0xA0) // U+0080 to U+009F, which terminals obey, too
            text[0] = text[1] = ' ';
}

// A member of an object, of text that is clean.
static size_t add_member(char *line, size_t n, const char *name, const char *text) {
    n += (size_t)snprintf(line + n, LINE_MAX_BYTES - n, "%s\"%s\":\"", n > 1 ? "," : "", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            line[n++] = '\\';
        line[n++] = *text;
    }
    line[n++] = '"';
    return n;
}

static size_t write_json(char line[static LINE_MAX_BYTES], enum log_level level, const char *message, const char *hint,
                         const char *code) {
    char time[32];
    line[0] = '{';
    size_t n = add_member(line, 1, "time", clock_iso8601(clock_wall_ms(), time));
    n = add_member(line, n, "level", level_names[level]);
    n = add_member(line, n, "daemon", daemon_name);
    const char *id = request[0] ? request : call;
    if (id[0])
        n = add_member(line, n, "request_id", id);
    if (call[0] && strcmp(call, id) != 0)
        n = add_member(line, n, "call_id", call);
    n = add_member(line, n, "message", message);
    if (hint && hint[0])
        n = add_member(line, n, "hint", hint);
    if (code)
        n = add_member(line, n, "code", code);
    line[n++] = '}';
    return n;
}

static size_t write_text(char line[static LINE_MAX_BYTES], enum log_level level, const char *message, const char *hint,
                         const char *code) {
    char time[32];
    bool both = request[0] && call[0] && strcmp(request, call) != 0, any = request[0] || call[0];
    return (size_t)snprintf(line, LINE_MAX_BYTES, "%s %-5s %s%s%s%s%s%s %s%s%s%s%s",
                            clock_iso8601(clock_wall_ms(), time), level_names[level], daemon_name, any ? "[" : "",
                            request[0] ? request : call, both ? " " : "", both ? call : "", any ? "]" : "", message,
                            hint && hint[0] ? "; " : "", hint ? hint : "", code ? " code=" : "", code ? code : "");
}

static void emit(enum log_level level, char *message, char *hint, const char *code) {
    char line[LINE_MAX_BYTES];
    clean(message);
    if (hint)
        clean(hint);
    size_t n = atomic_load(&as_json) ? write_json(line, level, message, hint, code)
                                     : write_text(line, level, message, hint, code);
    line[n++] = '\n';
    fwrite(line, 1, n, stderr); // one call: stdio locks the stream, lines do not mix
}

void log_line(enum log_level level, const char *fmt, ...) {
    if (!log_wants(level))
        return;
    char message[MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    if (n < 0)
        message[0] = 0;
    emit(level, message, NULL, NULL);
}

void log_err(enum log_level level, const char *what, const struct err *e) {
    if (!log_wants(level))
        return;
    char message[MESSAGE_MAX], hint[sizeof e->hint];
    snprintf(message, sizeof message, "%s: %s", what, e->msg);
    snprintf(hint, sizeof hint, "%s", e->hint);
    emit(level, message, hint, err_slug(e->code));
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
