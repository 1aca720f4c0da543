// SPDX-License-Identifier: Apache-2.0
// Settings of a daemon: one table says name, type, default, bounds and meaning; parsing, `--help` and `.env.example`
// all come from it. Sources, the stronger first: environment, then the file given with --config (or ./.env), then the
// default. A secret may come as NAME_FILE (a path) instead. Unknown keys in a file and unknown OUTLAYER_… variables are
// errors that name the nearest known one. An empty variable counts as absent.
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum setting_type { SETTING_TEXT, SETTING_U64, SETTING_BOOL, SETTING_SECRET };

struct setting {
    const char *name;
    enum setting_type type;
    const char *fallback; // NULL: no default
    bool required;
    uint64_t min, max; // U64 only
    const char *help;
    size_t offset; // of the field in the daemon's struct: const char *, uint64_t or bool
};

// Rows for a table; `s` is the daemon's settings struct.
#define SET_TEXT(s, field, name, fallback, help)                                                                       \
    { name, SETTING_TEXT, fallback, false, 0, 0, help, offsetof(s, field) }
#define SET_NEEDED(s, field, name, help)                                                                               \
    { name, SETTING_TEXT, NULL, true, 0, 0, help, offsetof(s, field) }
#define SET_SECRET(s, field, name, help)                                                                               \
    { name, SETTING_SECRET, NULL, false, 0, 0, help, offsetof(s, field) }
#define SET_U64(s, field, name, fallback, min, max, help)                                                              \
    { name, SETTING_U64, fallback, false, min, max, help, offsetof(s, field) }
#define SET_BOOL(s, field, name, fallback, help)                                                                       \
    { name, SETTING_BOOL, fallback, false, 0, 0, help, offsetof(s, field) }

// Fills *out (zeroed first; texts live in `a`). `file` NULL: ./.env is read if it is there.
[[nodiscard]] bool settings_load(void *out, size_t out_size, struct arena *a, const struct setting *table, size_t count,
                                 const char *file, struct err *e);
// The secret that NAME says, or the file that NAME_FILE names, without line ends behind it; *out NULL: neither does.
// `a` is wiped when it is freed where the secret must not stay behind.
[[nodiscard]] bool settings_secret(struct arena *a, const char *name, const char **out, struct err *e);
// The table for --help, or as an .env file with every default commented out.
void settings_print_help(FILE *to, const struct setting *table, size_t count);
void settings_print_env_example(FILE *to, const char *daemon, const struct setting *table, size_t count);

#define PROGRAM_VERSION "0.1.0"
// What every daemon accepts on its command line: --help, --version, --env-example, --config FILE, --ready-fd N.
// Returns false when the process should end with *exit_status (help was printed, or a wrong argument was named).
struct daemon_args {
    const char *config;
    int ready_fd; // -1: none. The daemon writes one JSON line there when it serves, and closes it.
};
bool daemon_args_parse(struct daemon_args *out, int argc, char **argv, const char *daemon, const char *about,
                       const struct setting *table, size_t count, int *exit_status);
void daemon_ready(const struct daemon_args *args, const char *json_line);

// OUTLAYER_HOME: the given one, or ~/.outlayer/<network>; made with mode 0700.
[[nodiscard]] bool settings_home(const char *given, const char *network, struct arena *a, const char **home,
                                 struct err *e);
