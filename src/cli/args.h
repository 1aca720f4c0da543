// SPDX-License-Identifier: Apache-2.0
// Command lines of the subcommands: "--name value", "--name=value", flags, and one operand at most. A table per command
// gives parsing and help. A wrong argument is ERR_USAGE with the nearest hint.
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum arg_type { ARG_TEXT, ARG_U64, ARG_FLAG };

struct arg {
    const char *name; // "--input"; NULL: the operand
    enum arg_type type;
    const char *value; // what the help calls the value
    const char *help;
    size_t offset; // of the field: const char *, struct arg_u64 or bool
};

// A number that may have been left out.
struct arg_u64 {
    bool given;
    uint64_t v;
};

#define ARG_OPTION(s, field, name, value, help)                                                                        \
    { name, ARG_TEXT, value, help, offsetof(s, field) }
#define ARG_NUMBER(s, field, name, help)                                                                               \
    { name, ARG_U64, "N", help, offsetof(s, field) }
#define ARG_SWITCH(s, field, name, help)                                                                               \
    { name, ARG_FLAG, NULL, help, offsetof(s, field) }
#define ARG_OPERAND(s, field, value, help)                                                                             \
    { NULL, ARG_TEXT, value, help, offsetof(s, field) }

// Fills *out, which the caller has set to its defaults. `help` becomes true where --help was given.
[[nodiscard]] bool args_parse(void *out, const struct arg *table, size_t count, int argc, char **argv, bool *help,
                              struct err *e);

// An option that was given, and which of a command's actions look at it.
struct arg_use {
    const char *given;   // its name; NULL: it was not given
    const char *actions; // "set, generate"
};
// ERR_USAGE where an option was given that this action would not look at: whoever gives one means something by it.
[[nodiscard]] bool args_check_uses(const char *command, const char *action, const struct arg_use *uses, size_t count,
                                   struct err *e);

void args_print_help(const char *command, const char *about, const struct arg *table, size_t count);

// A command that has several actions: `outlayer NAME ACTION OPTIONS`.
struct args_command {
    const char *name, *about; // for its help
    const char *missing;      // what is said where no action is named, or an unknown one
    const char *hint;         // which there are
    const void *actions;      // a table of structs, each of which begins with the action's name
    size_t stride, action_count;
    const struct arg *table; // the options of all actions
    size_t count;
};
#define ARGS_ACTIONS(list) .actions = (list), .stride = sizeof(list)[0], .action_count = ARRAY_LEN(list)
#define ARGS_TABLE(list) .table = (list), .count = ARRAY_LEN(list)
// Reads the action, and its options into *out. After --help was given, and answered, *help is true.
[[nodiscard]] bool args_action(size_t *action, void *out, const struct args_command *c, int argc, char **argv,
                               bool *help, struct err *e);
bool args_no_action(const struct args_command *c, struct err *e); // false, with ERR_USAGE
