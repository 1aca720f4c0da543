// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "worker/digest.h"
#include "worker/event_lookup.h"
#include "worker/first_form.h"
#include "worker/guest_env.h"
#include "worker/said.h"
#include "worker/settler.h"
#include <inttypes.h>

// Of the yield's window, in blocks:
#define SPARE_BLOCKS 12   // kept for getting the answer on chain
#define LAST_BLOCKS 40    // with fewer left, a platform failure is reported instead of tried elsewhere
#define HOPELESS_BLOCKS 3 // with fewer, nothing reaches the chain in time
#define LAST_MS 1000      // what may be used of the spare blocks
#define BRANCH_MS 30000   // longest search for a branch
#define TRIES_MAX 4       // then a platform failure is reported, too
#define HANDED_ENOUGH 6   // hand-overs: who builds and who runs do not come together
// How long the coordinator waits after the first try; each pause is twice the one before, up to the longest.
#define PAUSE_FIRST_MS 500
#define PAUSE_MAX_MS 30000

// One lease under work.
struct job {
    struct worker *worker;
    const struct lease *lease;
    const struct task *task;
    struct task own; // it, where the chain's words take the place of the coordinator's
    struct arena *arena;
    struct held_lease *held;
    struct chain_request request;
    struct watch *watch; // its window; NULL: not known yet, or not watched any more
    uint64_t block_ms;
    struct module module;
    struct arena *private; // what must not stay in memory; NULL: nothing, or not any more
    struct secrets secrets;
    struct exec_result run;
    bool ran;
    bool parked; // it waits, and has no place at work
    struct answer answer;
    uint64_t started_us;
};

static uint64_t window_left(const struct job *j) { return extender_left(j->worker->extender, j->watch); }

static void give_back(struct job *j, const char *reason, bool retry) {
    struct lease_id id = {j->task->contract_id, j->lease->token, j->task->request_id};
    log_warn("given back%s: %s", retry ? "" : " for good", reason);
    if (j->held && retry)
        held_tell_dead_at(j->worker->held, j->arena, j->held);
    held_give_back(j->worker->held, j->arena, &id, reason, retry);
}

// --- looking at the chain

static void report_end(struct job *j) {
    struct lease_id id = {j->task->contract_id, j->lease->token, j->task->request_id};
    log_info("the request is not open on chain: nothing is run");
    if (!settle_report(j->worker, j->arena, j->task, &id, NULL, NULL, j->lease->attempt >= TRIES_MAX))
        give_back(j, "the request has ended, and how is not known yet", true);
}

// The coordinator's words are of no use: the event is looked up, and what it says is what is asked for, or why that
// cannot be known. False: the job has ended.
static bool ask_chain(struct job *j) {
    enum event_lookup found;
    struct event event;
    const char *why;
    struct err e;
    log_warn("the lease cannot be used, the chain is asked: %s", j->task->unread);
    if (!event_lookup(&found, &event, &why, j->worker->rpc, j->arena, j->task, &e)) {
        give_back(j, e.msg, true);
        return false;
    }
    if (found == LOOKUP_NOT_FOUND) {
        give_back(j, j->task->unread, j->task->context.transaction_hash);
        return false;
    }
    j->own = *j->task;
    j->task = &j->own;
    j->own.unread = found == LOOKUP_READ ? NULL : why;
    if (found == LOOKUP_READ)
        task_take_event(&j->own, &event.request);
    else
        task_take_names(&j->own, &event.request.terms);
    j->answer.format = j->task->format;
    return true;
}

static void answer(struct job *j);

static const char *cost_of_failure(const struct job *j) { return j->request.first_form ? "" : "; nothing is charged"; }

// Somebody paid for it and waits: why no worker can serve it is the answer, and it costs nothing.
static void cannot_serve(struct job *j, const char *why) {
    answer_fail(&j->answer, j->arena, ANSWER_PLATFORM, "the request cannot be served: %s%s", why, cost_of_failure(j));
    answer(j);
}

// False: the job has ended.
static bool take_first_form(struct job *j) {
    struct err e;
    if (!j->request.first_form)
        return true;
    j->own = *j->task;
    j->task = &j->own;
    j->own.first_form = j->answer.first_form = true;
    if (j->request.unreadable ||
        first_form_build_seconds(&j->request, j->worker->rpc, j->arena, j->task->contract_id, &e))
        return true;
    give_back(j, e.msg, true);
    return false;
}

// What others may count on, should this worker lose it: an extension has moved it.
static void extended(void *ctx, uint64_t left_ms) {
    struct job *j = ctx;
    held_dead_at(j->worker->held, j->held, api_now_ms(j->worker->api) + left_ms);
}

// True when the request waits for an answer and is what the lease says.
static bool check_request(struct job *j) {
    enum chain_answer answer;
    struct err e;
    struct window window;
    if (!chain_request(j->worker->chain, j->arena, j->task, &answer, &j->request, &e)) {
        give_back(j, e.msg, true);
        return false;
    }
    if (answer == CHAIN_ENDED || j->request.answered) {
        report_end(j);
        return false;
    }
    if (!take_first_form(j))
        return false;
    if (j->task->unread || j->request.unreadable) {
        cannot_serve(j, j->task->unread ? j->task->unread : j->request.unreadable);
        return false;
    }
    const char *field = task_mismatch(j->task, &j->request);
    if (field) {
        give_back(j, arena_printf(j->arena, "the lease differs from the request on chain in '%s'", field), false);
        return false;
    }
    if (!chain_window(j->worker->chain, j->arena, j->task, &j->request, &window, &e)) {
        give_back(j, e.msg, true);
        return false;
    }
    j->watch = extender_watch(j->worker->extender, j->task, &j->request, &window, extended, j);
    j->block_ms = window.block_ms;
    return true;
}

// --- answering

static struct digest_parts parts_of(struct job *j) {
    const struct build_result *b = &j->module.build;
    return (struct digest_parts){.network = j->worker->set.network,
                                 .task = j->task,
                                 .data_id = j->request.data_id,
                                 .repo = b->repo,
                                 .commit = b->commit[0] ? b->commit : NULL,
                                 .build_key = b->build_key,
                                 .wasm_hash = b->wasm_hash,
                                 .answer = &j->answer};
}

// For who asked, whom the coordinator shows it to. Not where the guest had secrets, which it may have written.
static void put_said(const struct job *j, json_t *report) {
    if (secrets_wanted(&j->task->secrets))
        return;
    const char *errors = j->ran ? said_tail(j->arena, j->run.errors) : NULL;
    if (j->module.build.log)
        json_set_text(report, REPORT_BUILD_LOG, j->module.build.log);
    if (errors)
        json_set_text(report, REPORT_STDERR, errors);
}

static json_t *report_of(struct job *j) {
    const struct answer *n = &j->answer;
    char hex[65];
    json_t *r = json_object();
    json_set_text(r, "outcome", answer_class_outcome(n->class));
    json_set_text(r, "error", n->error);
    json_set_text(r, "failure", answer_class_text(n->class));
    json_set_u64(r, "instructions", n->instructions);
    json_set_u64(r, "time_ms", n->time_ms);
    if (n->built)
        json_set_u64(r, "compile_time_ms", n->build_ms);
    json_set_u64(r, "peak_memory_bytes", j->ran ? j->run.peak_memory : 0);
    if (n->has_wasm)
        json_set_text(r, "wasm_hash", hash_hex(&n->wasm_hash, hex));
    if (j->module.build.commit[0]) {
        json_set_text(r, "commit", j->module.build.commit);
        json_set_text(r, "build_key", hash_hex(&j->module.build.build_key, hex));
    }
    if (n->class == ANSWER_SUCCESS) {
        struct hash output = answer_output_hash(n);
        json_set_text(r, "output_hash", hash_hex(&output, hex));
        json_set_u64(r, "output_bytes", n->output.len);
    }
    if (!n->first_form) { // what the chain gets the hash of
        struct digest_parts parts = parts_of(j);
        struct attestation x = attestation_of(&parts);
        json_object_set_new(r, "attestation", attestation_json(&x));
    }
    put_said(j, r);
    return r;
}

static void attest(struct job *j) {
    struct digest_parts parts = parts_of(j);
    j->answer.digest = attestation_digest(&parts);
    j->answer.has_digest = true;
}

static bool is_lost(struct job *j) {
    bool lost = held_is_lost(j->held);
    if (lost)
        log_warn("the lease was lost, the work is dropped");
    return lost;
}

static void end_watch(struct job *j) {
    extender_drop(j->worker->extender, j->watch);
    j->watch = NULL;
}

// Hands the answer over to the settlers, and the lease with it.
static void answer(struct job *j) {
    struct worker *w = j->worker;
    struct err e;
    end_watch(j);
    if (is_lost(j))
        return;
    answer_check_size(&j->answer, j->arena);
    attest(j);
    held_stage(w->held, j->held, STAGE_SUBMITTING);
    struct submission *s = submission_new(j->task, j->held, j->lease->token, &j->answer, report_of(j));
    if (!settle_prepare(w, s, &e)) {
        submission_free(s);
        give_back(j, e.msg, true);
        return;
    }
    tally_add(&w->counts.answers, j->answer.class == ANSWER_SUCCESS ? "success" : answer_class_text(j->answer.class));
    log_info("answered class=%s instructions=%" PRIu64 " run_us=%" PRIu64 " total_us=%" PRIu64 "%s%s",
             j->answer.class == ANSWER_SUCCESS ? "success" : answer_class_text(j->answer.class), j->answer.instructions,
             j->run.run_us, clock_mono_us() - j->started_us, j->answer.error ? " error=" : "",
             j->answer.error ? j->answer.error : "");
    j->held = NULL; // the submission's
    settler_add(w->settler, s);
}

// More of it that is being bought counts, too: else what has just got a new window is given up.
static bool has_time(const struct job *j) {
    extender_settle(j->worker->extender, j->watch);
    return window_left(j) > LAST_BLOCKS * j->block_ms;
}

// Our own trouble: another try somewhere else, or, when there is no time for one, the truth on chain.
static void platform_failed(struct job *j, const char *why) {
    if (is_lost(j))
        return;
    if (has_time(j) && j->lease->attempt < TRIES_MAX) {
        give_back(j, why, true);
        return;
    }
    answer_fail(&j->answer, j->arena, ANSWER_PLATFORM, "%s%s", why, cost_of_failure(j));
    answer(j);
}

// --- handing over

static void hand_over(struct job *j, const char *next, const char *reason) {
    struct lease_id id = {j->task->contract_id, j->lease->token, j->task->request_id};
    struct err e;
    if (is_lost(j))
        return;
    log_info("handed over to those who %s: %s", next, reason);
    held_tell_dead_at(j->worker->held, j->arena, j->held);
    if (api_hand_over(j->worker->api, j->arena, &id, next, reason, &e))
        return;
    log_err(LOG_WARN, "handing over a lease", &e);
    if (e.code == ERR_NOT_FOUND)
        platform_failed(j, reason);
    else if (e.code != ERR_LEASE_LOST)
        give_back(j, reason, true); // refused where it was handed over after all
}

static void tell_too_late(struct job *j);

// It was handed over to those before, and none of them took it before it was too late: they would not this time,
// either.
static bool is_left_lying(const struct job *j, bool for_builders) {
    return j->lease->too_late && j->lease->handed && (j->lease->handed % 2 == 1) == for_builders;
}

// Nothing is built here, and no build is there that this worker believes.
static void leave_to_builders(struct job *j) {
    const char *why = j->module.build.reason;
    if (!has_time(j))
        platform_failed(j, why);
    else if (is_left_lying(j, true))
        tell_too_late(j);
    else if (j->lease->handed < HANDED_ENOUGH)
        hand_over(j, "build", why);
    else {
        answer_fail(
            &j->answer, j->arena, ANSWER_PLATFORM,
            "workers that build have built it %d times, and no build is there that a worker that runs can use%s",
            HANDED_ENOUGH / 2, cost_of_failure(j));
        answer(j);
    }
}

static void leave_to_runners(struct job *j) {
    if (j->module.unshared)
        platform_failed(j, "it was built, and the coordinator could not take the module");
    else if (is_left_lying(j, false))
        tell_too_late(j);
    else
        hand_over(j, "run", "it is built");
}

// --- waiting

// Until its time on chain is over, with what it takes to get an answer there kept; or the lease is lost. Of what is
// kept one second may be used, as most runs need less; over at once where no answer would get there any more: what is
// begun has to be paid.
static struct patience patience_for(const struct job *j, uint64_t left) {
    uint64_t spare = SPARE_BLOCKS * j->block_ms;
    uint64_t ms = left > spare + LAST_MS ? left - spare : left > HOPELESS_BLOCKS * j->block_ms + LAST_MS ? LAST_MS : 0;
    return (struct patience){clock_mono_ms() + ms, held_lost(j->held)};
}

static struct patience patience_of(const struct job *j) {
    return patience_for(j, extender_left_most(j->worker->extender, j->watch));
}

// What waits for others has the window that it has: no more of it is bought for waiting.
static struct patience patience_to_wait(const struct job *j) {
    return patience_for(j, extender_left(j->worker->extender, j->watch));
}

// Nothing of the request has begun: our own trouble, or its time on chain was over before.
static void not_begun(struct job *j, const struct err *e) {
    if (e->code != ERR_TIMEOUT)
        platform_failed(j, e->msg);
    else
        platform_failed(j, arena_printf(j->arena,
                                        "the request came too late or waited too long: its time on chain was over "
                                        "before its own work could begin (%s)",
                                        e->msg));
}

// true: its place at work is somebody else's meanwhile.
static bool park(struct job *j) {
    if (!j->parked && places_park(j->worker->places)) {
        j->parked = true;
        worker_parked(j->worker);
    }
    return j->parked;
}

static void come_back(struct job *j) {
    if (j->parked)
        places_return(j->worker->places);
    j->parked = false;
}

// Where there is no room to wait, it keeps its place: these are waits that have an end of their own.
static void parked(void *ctx, bool is) {
    struct job *j = ctx;
    if (is)
        (void)park(j);
    else
        come_back(j);
}

static bool waits(void *ctx) {
    struct job *j = ctx;
    extender_hold(j->worker->extender, j->watch, true);
    return park(j);
}

// What is left of the time for looking up, building and compiling that is paid for.
static uint64_t paid_left(const struct job *j) {
    uint64_t paid = j->request.build_seconds * 1000;
    return paid > j->answer.build_ms ? paid - j->answer.build_ms : 0;
}

// --- module, secrets and run

static void building(void *ctx) {
    struct job *j = ctx;
    held_stage(j->worker->held, j->held, STAGE_BUILDING);
}

static void begins(void *ctx) {
    struct job *j = ctx;
    extender_hold(j->worker->extender, j->watch, false);
}

// Others may have room for it; where it has no time to be tried elsewhere, its payer has the money back at once.
static void no_room(struct job *j, const struct err *e) {
    if (is_lost(j))
        return;
    if (has_time(j))
        give_back(j, e->msg, true);
    else
        platform_failed(j, e->msg);
}

// True with a module; otherwise the job has ended.
static bool get_module(struct job *j) {
    struct module_wanted want = {.source = {j->task->repo, j->task->ref, j->task->target},
                                 .build_ms = paid_left(j),
                                 .patience = patience_of(j),
                                 .waiting = patience_to_wait(j),
                                 .waits = waits,
                                 .building = building,
                                 .begins = begins,
                                 .ctx = j};
    struct err e;
    bool ok = modules_get(j->worker->modules, j->arena, &want, &j->module, &e);
    come_back(j);
    begins(j);
    if (!ok && e.code == ERR_TOO_MANY)
        no_room(j, &e);
    else if (!ok)
        not_begun(j, &e);
    if (!ok)
        return false;
    const struct build_result *b = &j->module.build;
    if (b->end == BUILD_OK) {
        answer_add_build(&j->answer, (b->resolve_ms + b->build_ms) * 1000);
        j->answer.note = j->module.note ? arena_printf(j->arena, "%.*s", ANSWER_NOTE_MAX, j->module.note) : NULL;
        j->answer.wasm_hash = b->wasm_hash;
        j->answer.has_wasm = true;
        return true;
    }
    if (j->module.elsewhere) {
        leave_to_builders(j);
        return false;
    }
    answer_from_build(&j->answer, j->arena, b);
    if (j->answer.class == ANSWER_PLATFORM)
        platform_failed(j, j->answer.error);
    else
        answer(j);
    return false;
}

static uint64_t pause_ms(uint64_t attempt) {
    uint64_t ms = PAUSE_FIRST_MS;
    for (; attempt > 1 && ms < PAUSE_MAX_MS; attempt--)
        ms *= 2;
    return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

// Asking for secrets costs little, so it is tried for as long as the request's first window lasts: a keystore may be
// away for a minute. Not so long that the next try would have to buy more time, or come too late.
static void secrets_failed(struct job *j, const struct err *e) {
    if (is_lost(j))
        return;
    const char *why = arena_printf(j->arena, "Secrets are not available: %s", e->msg);
    uint64_t next_ms = pause_ms(j->lease->attempt) + EXTEND_BLOCKS * j->block_ms;
    if (!j->request.extensions && window_left(j) > next_ms)
        give_back(j, why, true);
    else
        platform_failed(j, why);
}

// What a search for a branch may take by itself: what is paid for, and no more than this.
static uint64_t branch_ms(const struct job *j) {
    uint64_t paid = paid_left(j);
    return !paid ? 1 : paid < BRANCH_MS ? paid : BRANCH_MS;
}

// The branch whose secrets they are, and whether that is known. Asking the repository is paid for like a build, and so
// is a repository that does not answer: SEARCH_ENDED then.
enum search { SEARCH_FOUND, SEARCH_FAILED, SEARCH_ENDED };
static enum search find_branch(struct job *j, const struct patience *w, const char **branch, struct err *e) {
    uint64_t asked_ms;
    const struct patience within = patience_within(w, branch_ms(j));
    bool found = branches_find(j->worker->branches, j->arena, j->task, &j->module.build, &within, branch, &asked_ms, e);
    answer_add_build(&j->answer, asked_ms * 1000);
    if (found || e->code != ERR_TIMEOUT)
        return found ? SEARCH_FOUND : SEARCH_FAILED;
    answer_fail(&j->answer, j->arena, ANSWER_BUILD, "build failed: %s", e->msg);
    return SEARCH_ENDED;
}

static bool secrets_given(struct job *j, const struct keystore_answer *n) {
    switch (n->end) {
    case KEYSTORE_GIVEN:
        j->secrets = n->secrets;
        log_info("secrets owner=%s count=%zu", j->task->secrets.account_id, n->secrets.count);
        return true;
    case KEYSTORE_REFUSED: answer_fail(&j->answer, j->arena, ANSWER_ACCESS, "%s", n->message); break;
    case KEYSTORE_NONE:
        answer_fail(&j->answer, j->arena, ANSWER_ACCESS, "Secrets are not available: this deployment has no keystore");
        break;
    }
    answer(j);
    return false;
}

// Nothing runs without the secrets that it asked for. True with them; otherwise the job has ended.
static bool get_secrets(struct job *j) {
    struct keystore_answer n;
    const char *branch;
    struct err finding, e;
    if (!secrets_wanted(&j->task->secrets))
        return true;
    const struct patience w = patience_of(j);
    if (patience_over(&w)) {
        patience_fail(&w, "secrets", &e);
        not_begun(j, &e);
        return false;
    }
    j->private = arena_new();
    parked(j, true);
    enum search search = find_branch(j, &w, &branch, &finding);
    bool ask = search == SEARCH_FOUND || search == SEARCH_FAILED;
    bool asked = ask && keystore_fetch(j->worker->keystore, j->private, j->task->request_id, branch, &w, &n, &e);
    parked(j, false);
    if (search == SEARCH_ENDED)
        answer(j);
    else if (!asked)
        secrets_failed(j, &e);
    else if (n.end == KEYSTORE_REFUSED && search == SEARCH_FAILED) // our own trouble may be the reason
        secrets_failed(j, &finding);
    else
        return secrets_given(j, &n);
    return false;
}

static void forget_secrets(struct job *j) {
    arena_free_wiped(j->private);
    j->private = NULL;
    j->secrets = (struct secrets){0};
}

static uint32_t small(uint64_t n) { return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX; }

// What has run is paid, whatever took the request's time on chain: else who asks for more than there is time for, or
// lets many requests wait for each other, computes for nothing.
static void run_ended(struct job *j) {
    struct worker_counts *n = &j->worker->counts;
    tally_add(&n->runs, exec_end_slug(j->run.end));
    histogram_add(&n->ran, j->run.run_us);
    atomic_fetch_add(j->run.compile_us ? &n->code_made : &n->code_had, 1);
    at_hand_note(j->worker->at_hand, source_mark(j->task->repo, j->task->ref, j->task->target));
    log_info("run end=%s instructions=%" PRIu64 " run_us=%" PRIu64 " compile_us=%" PRIu64 " output=%zu",
             exec_end_slug(j->run.end), j->run.instructions, j->run.run_us, j->run.compile_us, j->run.output.len);
    if (j->run.end == EXEC_DEADLINE && j->run.seconds < j->task->limits.max_execution_seconds)
        j->run.detail = arena_printf(j->arena,
                                     "the guest was ended after %" PRIu32 " seconds, when the request's time on chain "
                                     "was used up; more gas attached to the request buys more of it",
                                     j->run.seconds);
    answer_from_run(&j->answer, j->arena, j->task->format, &j->run);
    answer(j);
}

static void run(struct job *j) {
    const struct task *t = j->task;
    struct exec_env *env;
    struct err e;
    struct exec_request r = {.wasm = j->module.build.wasm,
                             .input = t->input,
                             .limits = {.max_instructions = t->limits.max_instructions,
                                        .max_memory_mb = small(t->limits.max_memory_mb),
                                        .max_seconds = small(t->limits.max_execution_seconds),
                                        .max_output = EXEC_OUTPUT_MAX},
                             .compile_ms = paid_left(j) ? paid_left(j) : 1,
                             .patience = patience_of(j),
                             .parked = parked,
                             .ctx = j};
    r.env_count = guest_env(j->arena, t, j->worker->set.network, &j->secrets, &env);
    r.env = env;
    held_stage(j->worker->held, j->held, STAGE_RUNNING);
    j->ran = exec_run(j->worker->exec, j->arena, &r, &j->run, &e);
    forget_secrets(j);
    if (j->ran)
        run_ended(j);
    else if (e.code == ERR_INVALID || e.code == ERR_TOO_LARGE) { // that no worker of this kind can run
        answer_fail(&j->answer, j->arena, ANSWER_GUEST, "%s", e.msg);
        answer(j);
    } else
        not_begun(j, &e);
}

// Nobody began it in time, says the coordinator, whose clock may be wrong: the chain has the last word. How many wait
// before it is the coordinator's to say, who might as well have handed it to nobody.
static bool is_too_late(struct job *j) {
    if (!j->lease->too_late)
        return false;
    if (!has_time(j) || j->lease->hopeless)
        return true;
    log_warn("the coordinator says that it is too late, and the chain that there is time");
    held_dead_at(j->worker->held, j->held, api_now_ms(j->worker->api) + window_left(j));
    return false;
}

static void tell_too_late(struct job *j) {
    const char *who = j->lease->handed % 2 ? "that builds could take the request"
                      : j->lease->handed   ? "that runs could take the request"
                                           : "could begin the request";
    if (has_time(j) && j->lease->hopeless)
        answer_fail(&j->answer, j->arena, ANSWER_PLATFORM,
                    "so many requests wait before this one that no worker %s in its time on chain; try again later%s",
                    who, cost_of_failure(j));
    else
        answer_fail(&j->answer, j->arena, ANSWER_PLATFORM, "no worker %s before its time on chain was nearly over%s",
                    who, cost_of_failure(j));
    answer(j);
}

static void work(struct job *j) {
    struct worker *w = j->worker;
    struct err e;
    if (strcmp(j->task->contract_id, w->set.contract_id) != 0) { // whose word about requests would not be the chain's
        give_back(j, "the lease differs from this worker's settings in 'contract_id'", false);
        return;
    }
    if (settler_has(w->settler, j->task->contract_id, j->task->request_id)) {
        give_back(j, "an answer of this worker is already on its way", true);
        return;
    }
    j->held = held_take(w->held, j->arena, j->lease, &e);
    if (!j->held) {
        log_err(LOG_WARN, "the lease could not be confirmed", &e);
        return;
    }
    if ((j->task->unread && !ask_chain(j)) || !check_request(j))
        return;
    if (is_too_late(j)) {
        tell_too_late(j);
        return;
    }
    if (window_left(j) < HOPELESS_BLOCKS * j->block_ms)
        give_back(j, "the request's time on chain is over", true);
    else if (!get_module(j) || is_lost(j))
        return;
    else if (!w->set.runs)
        leave_to_runners(j);
    else if (get_secrets(j))
        run(j);
}

void job_do(struct worker *w, const struct lease *lease) {
    SCOPED_ARENA(a);
    struct job j = {.worker = w, .lease = lease, .task = &lease->task, .arena = a, .started_us = clock_mono_us()};
    log_request_of(lease->task.contract_id, lease->task.request_id);
    j.answer.format = lease->task.format;
    log_info("leased contract=%s repo=%s commit=%s attempt=%" PRIu64, j.task->contract_id, j.task->repo, j.task->ref,
             lease->attempt);
    work(&j);
    forget_secrets(&j);
    end_watch(&j);
    held_drop(w->held, j.held);
    log_request(NULL);
}
