// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include "base/settings.h"
#include "base/text.h"
#include <inttypes.h>

static enum cli_status status_of(enum err_code code) {
    switch (code) {
    case ERR_USAGE:
    case ERR_SETTINGS:
    case ERR_INVALID:
    case ERR_UNAUTHORIZED:
    case ERR_FORBIDDEN:
    case ERR_NOT_FOUND:
    case ERR_TOO_LARGE:
    case ERR_CONFLICT:
    case ERR_LIMIT: return CLI_USAGE;
    case ERR_INTERNAL:
    case ERR_METHOD:
    case ERR_LEASE_LOST:
    case ERR_TOO_MANY:
    case ERR_UNAVAILABLE:
    case ERR_IN_DOUBT:
    case ERR_TIMEOUT:
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_CHAIN: return CLI_PLATFORM;
    }
    return CLI_PLATFORM;
}

const char *printable(struct arena *a, struct slice text) {
    char *copy = arena_text(a, text);
    for (size_t i = 0; i < text.len; i++) // a text that is to be read has no end within
        if (!copy[i])
            copy[i] = '?';
    text_make_printable(copy, false);
    return copy;
}

const char *printable_line(struct arena *a, const char *text) {
    char *copy = arena_strdup(a, text);
    text_make_printable(copy, true);
    return copy;
}

void print_output(struct arena *a, struct slice output) {
    if (isatty(STDOUT_FILENO))
        fputs(printable(a, output), stdout);
    else
        fwrite(output.ptr, 1, output.len, stdout);
    fflush(stdout);
}

void print_json_line(struct arena *a, const json_t *j) {
    print_output(a, slice_str(arena_printf(a, "%s\n", json_text(a, j))));
}

// What it says may be the words of a server, a contract or a guest.
int command_failed(const struct err *e) {
    struct err shown = *e;
    text_make_printable(shown.msg, false);
    text_make_printable(shown.hint, false);
    fprintf(stderr, "outlayer: %s\n", shown.msg);
    if (shown.hint[0])
        fprintf(stderr, "  %s\n", shown.hint);
    return status_of(e->code);
}

bool home_from_options(struct arena *a, const char *home, const char *network, const char **out, struct err *e) {
    const char *set_home = getenv("OUTLAYER_HOME"), *set_network = getenv("OUTLAYER_NETWORK");
    if (!home && set_home && set_home[0])
        home = set_home;
    if (!network)
        network = set_network && set_network[0] ? set_network : "devnet";
    return settings_home(home, network, a, out, e);
}

static bool take(const struct arg_u64 *o, const char *name, uint64_t fallback, uint64_t max, uint64_t *out,
                 struct err *e) {
    *out = o->given ? o->v : fallback;
    if (*out >= 1 && *out <= max)
        return true;
    err_set(e, ERR_USAGE, "%s %" PRIu64 " is out of range", name, *out);
    return err_hint(e, "%s takes 1 to %" PRIu64, name, max);
}

bool limits_from_options(const struct limit_options *o, struct exec_limits *out, struct err *e) {
    uint64_t instructions, seconds, memory;
    if (!take(&o->instructions, "--max-instructions", DEFAULT_INSTRUCTIONS, MAX_INSTRUCTIONS, &instructions, e) ||
        !take(&o->seconds, "--max-seconds", DEFAULT_EXECUTION_SECONDS, MAX_EXECUTION_SECONDS, &seconds, e) ||
        !take(&o->memory_mb, "--max-memory-mb", DEFAULT_MEMORY_MB, MAX_MEMORY_MB, &memory, e))
        return false;
    *out = (struct exec_limits){instructions, (uint32_t)memory, (uint32_t)seconds, EXEC_OUTPUT_MAX};
    return true;
}

bool build_target_of(const char *given, const char **out, struct err *e) {
    *out = given ? given : DEFAULT_BUILD_TARGET;
    if (strcmp(*out, "wasm32-wasip1") == 0 || strcmp(*out, "wasm32-wasip2") == 0 || strcmp(*out, "wasm32-wasi") == 0)
        return true;
    err_set(e, ERR_USAGE, "unknown target '%s'", given);
    return err_hint(e, "--target is wasm32-wasip1 or wasm32-wasip2");
}
