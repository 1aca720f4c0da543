// SPDX-License-Identifier: Apache-2.0
// The subcommands of `outlayer`, and what they share. Each has a file that begins with cmd_, takes the arguments behind
// its name and gives the exit status; what only one of them uses stands in files that begin with its name.
#pragma once
#include "base/err.h"
#include "cli/args.h"
#include "codec/json.h"
#include "executor/exec.h"
#include "protocol/contract.h"

enum cli_status {
    CLI_OK = 0,       // success
    CLI_GUEST = 1,    // the guest or its build failed or was refused; the answer says why
    CLI_USAGE = 2,    // wrong usage or settings
    CLI_PLATFORM = 3, // the platform failed
};

int command_init(int argc, char **argv);
int command_up(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_request(int argc, char **argv);
int command_run(int argc, char **argv);
int command_deploy(int argc, char **argv);
int command_secrets(int argc, char **argv);
int command_keys(int argc, char **argv);
int command_token(int argc, char **argv);
int command_db(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_admin(int argc, char **argv);
int command_tee(int argc, char **argv);
int command_verify_quote(int argc, char **argv);
int command_collateral(int argc, char **argv);

// The folder of a daemon that an option may name, and OUTLAYER_HOME; else that of the network, which an option may
// name, and OUTLAYER_NETWORK (devnet).
[[nodiscard]] bool home_from_options(struct arena *a, const char *home, const char *network, const char **out,
                                     struct err *e);

// Prints the error for people on standard error; gives the exit status that goes with its code.
int command_failed(const struct err *e);

// Words of a stranger (a guest, a server, a repository) for people: nothing in them is obeyed by a terminal.
const char *printable(struct arena *a, struct slice text);
// The same on one line, for what stands in a line of ours: no line of theirs can pass for one of ours.
const char *printable_line(struct arena *a, const char *text);
// A guest's output on standard output: its bytes, or where that is a terminal, what is printable of them.
void print_output(struct arena *a, struct slice output);
// The same for JSON, on one line: it escapes most of what a terminal obeys, and not all.
void print_json_line(struct arena *a, const json_t *j);

struct limit_options {
    struct arg_u64 instructions, seconds, memory_mb;
};
#define LIMIT_OPTIONS(s, field)                                                                                        \
    ARG_NUMBER(s, field.instructions, "--max-instructions",                                                            \
               "instruction limit (1,000,000,000; at most 100 times that)"),                                           \
        ARG_NUMBER(s, field.seconds, "--max-seconds", "wall time of the run (60; at most 60)"),                        \
        ARG_NUMBER(s, field.memory_mb, "--max-memory-mb", "memory (128; at most 1024)")

// What guests may reach: options of `run` and `up`, the worker's settings of the same names.
struct egress_options {
    const char *allow, *ports, *ca_file;
};
#define EGRESS_OPTIONS(s, field)                                                                                       \
    ARG_OPTION(s, field.allow, "--egress-allow", "LIST",                                                               \
               "name:port, 10.0.0.0/8:port or [fd00::]/8:port, …: what guests may reach beside public addresses"),     \
        ARG_OPTION(s, field.ports, "--egress-ports", "LIST", "ports that guests may reach (80,443,1024-65535)"),       \
        ARG_OPTION(s, field.ca_file, "--egress-ca-file", "FILE",                                                       \
                   "certificates (PEM) that guests trust beside the built-in ones")

#define LIMITS_DEFAULT                                                                                                 \
    { DEFAULT_INSTRUCTIONS, DEFAULT_MEMORY_MB, DEFAULT_EXECUTION_SECONDS, EXEC_OUTPUT_MAX }
// The limits with the contract's defaults for what is left out; over the contract's caps is ERR_USAGE.
[[nodiscard]] bool limits_from_options(const struct limit_options *o, struct exec_limits *out, struct err *e);

// The target that --target names, else the usual one; ERR_USAGE where there is no such target.
[[nodiscard]] bool build_target_of(const char *given, const char **out, struct err *e);
