// SPDX-License-Identifier: Apache-2.0
#include "executor/verdict.h"

#include "base/text.h"
#include "sandbox/confine.h"
#include "wasm/engine.h"
#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>

// --- words

static const char *last_words(struct arena *a, struct slice errors) {
    while (errors.len && isspace(errors.ptr[errors.len - 1]))
        errors.len--;
    size_t from = errors.len > 300 ? errors.len - 300 : 0;
    while (from && from < errors.len && (errors.ptr[from] & 0xC0) == 0x80)
        from++;
    return arena_text(a, slice_skip(errors, from));
}

static const char *with_last_words(struct arena *a, const char *what, struct slice errors) {
    return arena_printf(a, "%s%s%s", what, errors.len ? ": " : "", last_words(a, errors));
}

static const char *death_text(struct arena *a, const struct process_fate *f) {
    if (f->known && WIFSIGNALED(f->status) && WTERMSIG(f->status) == SIGABRT)
        return "the engine gave up on the guest (signal 6): the guest made it keep more than a run may use beside the "
               "guest's own memory, or met another limit of the engine";
    if (f->known && WIFSIGNALED(f->status) && WTERMSIG(f->status) != SIGKILL) // which may have been ours
        return arena_printf(a, "the process that ran the guest was ended by signal %d", WTERMSIG(f->status));
    if (f->known && WIFEXITED(f->status) && WEXITSTATUS(f->status))
        return arena_printf(a, "the process that ran the guest ended with status %d", WEXITSTATUS(f->status));
    return "the process that ran the guest was killed, or gave no answer that a run can give";
}

// All 32 bits of it. What is remarked is no judgement: the guest's own words follow.
static const char *exit_text(struct arena *a, const struct exec_limits *l, const struct exec_result *out) {
    uint32_t status = (uint32_t)out->exit_status;
    if (!out->memory_refused)
        return arena_printf(a, "exit status %" PRIu32, status);
    return arena_printf(a, "exit status %" PRIu32 " after more memory than its %" PRIu32 " MB was refused to it",
                        status, l->max_memory_mb);
}

static const char *trap_text(struct arena *a, const struct job_answer *n, struct exec_result *out) {
    out->trap = engine_trap_text(n->trap);
    return arena_printf(a, "the guest trapped: %s%s%s", out->trap, n->trap < 0 ? ": " : "", n->trap < 0 ? n->text : "");
}

// Which call it was is a remark: a process that a guest has taken over could have written it.
static const char *forbidden_text(struct arena *a, uint32_t call) {
    char name[64] = "";
    if (call)
        confine_call_name(call - 1, name);
    return arena_printf(a, "the guest was ended because its process made a system call that no run may make%s%s%s",
                        name[0] ? " (" : "", name, name[0] ? ")" : "");
}

static const char *sentence(const struct verdict_facts *f, struct arena *a, struct exec_result *out) {
    const struct exec_limits *l = f->limits;
    char number[32];
    switch (out->end) {
    case EXEC_OK: return NULL;
    case EXEC_EXIT: return with_last_words(a, exit_text(a, l, out), out->errors);
    case EXEC_TRAP: return with_last_words(a, trap_text(a, f->answer, out), out->errors);
    case EXEC_INSTRUCTIONS:
        return arena_printf(a, "the guest used up its %s instructions", text_grouped(l->max_instructions, number));
    case EXEC_MEMORY:
        if (f->read != PROCESS_ANSWERED)
            return arena_printf(a,
                                "the guest made the host keep more memory for it than a run may use beside the guest's "
                                "own %" PRIu32 " MB",
                                l->max_memory_mb);
        return with_last_words(
            a, arena_printf(a, "the guest needs more memory than its %" PRIu32 " MB", l->max_memory_mb), out->errors);
    case EXEC_DEADLINE: return arena_printf(a, "the guest ran longer than its %" PRIu32 " seconds", l->max_seconds);
    case EXEC_OUTPUT:
        return arena_printf(a, "the guest wrote more than %s bytes of output", text_grouped(l->max_output, number));
    case EXEC_INVALID: return arena_printf(a, "the module cannot be run: %s", f->answer->text);
    case EXEC_COMPILE: break; // no run ends so
    case EXEC_FORBIDDEN: return forbidden_text(a, f->page->forbidden_call);
    case EXEC_CRASH: return death_text(a, &f->fate);
    }
    return NULL;
}

// --- how it ended

// An answer, whoever really wrote it.
static enum verdict answered(const struct verdict_facts *f, struct exec_result *out) {
    const struct job_answer *n = f->answer;
    bool refused = f->page->refused_memory;
    out->exit_status = n->status;
    if (meter_page_exhausted(f->page) && n->end == ENGINE_TRAPPED) {
        out->end = EXEC_INSTRUCTIONS;
        return VERDICT_GUEST;
    }
    if (n->output_full) {
        out->end = EXEC_OUTPUT;
        return VERDICT_GUEST;
    }
    switch ((enum engine_end)n->end) {
    case ENGINE_RETURNED: out->end = EXEC_OK; return VERDICT_GUEST;
    case ENGINE_EXITED: out->end = EXEC_EXIT; return VERDICT_GUEST;
    case ENGINE_TRAPPED: out->end = refused ? EXEC_MEMORY : EXEC_TRAP; return VERDICT_GUEST;
    case ENGINE_REFUSED: out->end = refused ? EXEC_MEMORY : EXEC_INVALID; return VERDICT_GUEST;
    case ENGINE_STALE: out->end = EXEC_CRASH; return VERDICT_STALE;
    }
    out->end = EXEC_CRASH; // not an answer of ours
    return VERDICT_AGAIN;
}

// A death. Those that explain themselves would only repeat: memory, a forbidden call, and the engine's own giving up,
// which is how it meets an allocation that the limits refuse it.
static enum verdict died(const struct verdict_facts *f, struct exec_result *out) {
    int signal = f->fate.known && WIFSIGNALED(f->fate.status) ? WTERMSIG(f->fate.status) : 0;
    out->end = f->fate.out_of_memory ? EXEC_MEMORY : signal == SIGSYS ? EXEC_FORBIDDEN : EXEC_CRASH;
    return out->end == EXEC_CRASH && signal != SIGABRT ? VERDICT_AGAIN : VERDICT_GUEST;
}

static enum verdict decide(const struct verdict_facts *f, struct exec_result *out) {
    switch (f->read) {
    case PROCESS_ANSWERED: return answered(f, out);
    case PROCESS_LATE: out->end = EXEC_DEADLINE; return VERDICT_GUEST;
    case PROCESS_DIED: return died(f, out);
    case PROCESS_UNBEGUN:
    case PROCESS_CANCELLED: break;
    }
    out->end = EXEC_CRASH;
    return VERDICT_OURS;
}

enum verdict verdict_of(const struct verdict_facts *f, struct arena *a, struct exec_result *out) {
    enum verdict v = decide(f, out);
    // Exact where the guest's last step was one that stores its count.
    bool clean = f->read == PROCESS_ANSWERED && (out->end == EXEC_INSTRUCTIONS || f->answer->end == ENGINE_RETURNED ||
                                                 f->answer->end == ENGINE_EXITED);
    uint64_t ceiling = (uint64_t)f->limits->max_memory_mb << 20;
    out->instructions = meter_page_used(f->page, f->limits->max_instructions, clean);
    out->peak_memory = f->page->peak_memory < ceiling ? f->page->peak_memory : ceiling;
    out->memory_refused = f->page->refused_memory;
    out->detail = sentence(f, a, out);
    return v;
}
