// SPDX-License-Identifier: Apache-2.0
// A worker's answer to a request: what the run gave, in the form that the request asked for, or why there is nothing.
// And the answer as arguments of the contract's methods.
#pragma once
#include "builder/build.h"
#include "executor/exec.h"
#include "worker/lease.h"

enum answer_class { ANSWER_SUCCESS, ANSWER_GUEST, ANSWER_BUILD, ANSWER_ACCESS, ANSWER_PLATFORM };
const char *answer_class_text(enum answer_class c);    // "guest", …; NULL for success: the contract's `failure`
const char *answer_class_outcome(enum answer_class c); // the coordinator's `outcome`

struct answer {
    enum answer_class class;
    const char *error; // a sentence, NULL on success
    enum response_format format;
    struct slice output; // success only. Json: the value's text, without white space between its parts
    uint64_t instructions, time_ms;
    bool built; // something was looked up, built or compiled for this request
    uint64_t build_ms;
    const char *note; // compilation note, NULL: none
    bool has_wasm, has_digest;
    bool first_form; // it goes to a contract of that form: worker/first_form.h
    struct hash wasm_hash, digest;
};

// Fills class, error, output, instructions and time from a run. No end of a run is the platform's failure.
// Adds compiling to what was built, and is the build's failure where there was no run for it.
void answer_from_run(struct answer *out, struct arena *a, enum response_format format, const struct exec_result *r);
// The same from a build that gave no module (end other than BUILD_OK).
void answer_from_build(struct answer *out, struct arena *a, const struct build_result *b);
// What was looked up, built or compiled for the request: begun milliseconds, as the contract charges them.
void answer_add_build(struct answer *out, uint64_t us);
// A failure with a sentence of its own; keeps what was used so far.
void answer_fail(struct answer *out, struct arena *a, enum answer_class class, const char *fmt, ...) PRINTF_LIKE(4, 5);
// An output that no callback can hand out, or log, becomes the guest's failure, which says how much is possible.
void answer_check_size(struct answer *out, struct arena *a);

struct hash answer_output_hash(const struct answer *n); // as the contract's event has it; zeros without output

struct answer_call {
    const char *method;
    struct slice args;
    struct gas gas;
};
// resolve_execution where the payload fits, submit_execution_output_and_resolve where it does not, and
// resolve_execution alone where the output has been submitted already.
struct answer_call answer_call(const struct answer *n, struct arena *a, uint64_t request_id);
