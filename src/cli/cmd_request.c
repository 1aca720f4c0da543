// SPDX-License-Identifier: Apache-2.0
// `outlayer request`: the estimate, the sending, the progress, the answer and its cost.
#include "cli/commands.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/repo.h"
#include "cli/target.h"
#include "protocol/contract.h"

#define INPUT_MAX (1u << 20)
#define DEPOSIT_DEFAULT (NEAR_ONE / 10)

struct request_options {
    struct target_options target;
    const char *repo, *commit, *build_target, *input, *input_file, *from, *deposit, *format, *secrets;
    struct limit_options limits;
    bool json;
};

static const struct arg table[] = {
    ARG_OPTION(struct request_options, repo, "--repo", "REPO",
               "a folder here, https://host/owner/name, or owner/name on github.com"),
    ARG_OPTION(struct request_options, commit, "--commit", "REF", "branch, tag or commit (main)"),
    ARG_OPTION(struct request_options, build_target, "--target", "T", "wasm32-wasip1 or wasm32-wasip2 (wasm32-wasip1)"),
    ARG_OPTION(struct request_options, input, "--input", "TEXT", "standard input of the guest (empty)"),
    ARG_OPTION(struct request_options, input_file, "--input-file", "FILE", "the same from a file"),
    ARG_OPTION(struct request_options, from, "--from", "ACCOUNT",
               "who asks and pays (the first account of the running `up`)"),
    ARG_OPTION(struct request_options, deposit, "--deposit", "AMOUNT",
               "payment; what is not used comes back ('0.1 NEAR', or the estimate)"),
    ARG_OPTION(struct request_options, format, "--format", "F",
               "text, json or bytes: how the answer is handed over (text)"),
    ARG_OPTION(struct request_options, secrets, "--secrets", "OWNER/PROFILE", "secrets that the guest gets"),
    LIMIT_OPTIONS(struct request_options, limits),
    TARGET_OPTIONS(struct request_options, target),
    ARG_SWITCH(struct request_options, json, "--json", "end with one JSON object on one line"),
};

static bool format_of(const char *given, const char **out, struct err *e) {
    static const char *const names[][2] = {{"text", "Text"}, {"json", "Json"}, {"bytes", "Bytes"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcasecmp(given, names[i][0]) == 0) {
            *out = names[i][1];
            return true;
        }
    }
    err_set(e, ERR_USAGE, "unknown format '%s'", given);
    return err_hint(e, "--format is text, json or bytes");
}

static bool input_of(const struct request_options *o, struct arena *a, const char **out, struct err *e) {
    struct slice text = slice_str(o->input ? o->input : "");
    if (o->input && o->input_file)
        return err_set(e, ERR_USAGE, "--input and --input-file do not go together");
    if (o->input_file && !file_read(a, o->input_file, INPUT_MAX, &text, e))
        return false;
    if (!text_is_utf8(text) || (text.len && memchr(text.ptr, 0, text.len)))
        return err_set(e, ERR_USAGE, "the input is not UTF-8 text");
    *out = arena_text(a, text);
    return true;
}

static bool deposit_of(const struct request_options *o, struct yocto estimate, struct yocto *out, struct err *e) {
    if (!o->deposit) {
        out->v = estimate.v > DEPOSIT_DEFAULT ? estimate.v : DEPOSIT_DEFAULT;
        return true;
    }
    char need[64];
    if (!yocto_parse(out, o->deposit, e))
        return false;
    if (out->v >= estimate.v)
        return true;
    err_set(e, ERR_USAGE, "--deposit '%s' is less than the limits cost", o->deposit);
    return err_hint(e, "attach at least '%s', or lower the limits", yocto_text(estimate, need));
}

static bool secrets_of(const char *given, struct arena *a, struct ask *ask, struct err *e) {
    const char *slash = given ? strchr(given, '/') : NULL;
    if (!given)
        return true;
    if (!slash || !slash[1] || !account_id_valid(slice_of(given, (size_t)(slash - given)))) {
        err_set(e, ERR_USAGE, "--secrets '%s' is not an owner and a profile", given);
        return err_hint(e, "--secrets alice.near/prod");
    }
    ask->secrets_owner = arena_text(a, slice_of(given, (size_t)(slash - given)));
    ask->secrets_profile = slash + 1;
    return true;
}

static bool prepare(const struct request_options *o, const struct target *t, struct arena *a, struct ask *ask,
                    struct err *e) {
    struct repo_ref repo;
    struct yocto estimate;
    char least[64], paid[64];
    if (!o->repo) {
        err_set(e, ERR_USAGE, "no repository given");
        return err_hint(e, "--repo . takes this folder");
    }
    if (!format_of(o->format ? o->format : "text", &ask->format, e) ||
        !build_target_of(o->build_target, &ask->build_target, e) || !input_of(o, a, &ask->input, e) ||
        !secrets_of(o->secrets, a, ask, e) || !limits_from_options(&o->limits, &ask->limits, e) ||
        !repo_prepare(a, t->home, o->repo, o->commit, &repo, e) || !ask_estimate(t, a, &ask->limits, &estimate, e) ||
        !deposit_of(o, estimate, &ask->deposit, e))
        return false;
    ask->repo = repo.repo;
    ask->commit = repo.commit;
    ask->receiver = t->contract;
    ask->method = METHOD_REQUEST;
    fprintf(stderr, "repository  %s at %.40s, %s\n", ask->repo, ask->commit, ask->build_target);
    fprintf(stderr, "estimate    at most %s for these limits; %s attached, what is not used comes back\n",
            yocto_text(estimate, least), yocto_text(ask->deposit, paid));
    return true;
}

static void show_progress(void *ctx, const struct ask_progress *p) {
    (void)ctx;
    static const char *const names[] = {"sent", "taken", "queued", "building", "running", "submitting", "settled"};
    char time[24];
    fprintf(stderr, "%8s  %-11s %s\n", text_duration(p->us, time), names[p->stage], p->detail);
}

static void print_json(struct arena *a, const struct ask_result *r, const struct ask *ask) {
    const struct chain_answer *w = &r->answer;
    SCOPED_JSON(j) = json_object();
    json_set_u64(j, "request_id", w->request_id);
    json_object_set_new(j, "success", json_boolean(w->success));
    json_object_set_new(j, "output", w->output ? json_incref(w->output) : json_null());
    json_set_text(j, "error", w->error);
    json_set_u64(j, "instructions", w->instructions);
    json_set_u64(j, "time_ms", w->time_ms);
    json_set_u64(j, "compile_time_ms", w->compile_time_ms);
    json_set_u128(j, "payment", w->payment.v);
    json_set_u128(j, "charged", w->charged.v);
    json_set_u128(j, "refunded", w->refunded.v);
    json_set_text(j, "transaction_hash", r->transaction);
    json_set_text(j, "wasm_hash", w->wasm_hash);
    json_set_text(j, "repo", ask->repo);
    json_set_text(j, "ref", ask->commit);
    json_set_text(j, "commit", r->commit);
    print_json_line(a, j);
}

static void print_people(struct arena *a, const struct ask_result *r) {
    const struct chain_answer *w = &r->answer;
    char count[32], charged[64], refunded[64], total[24];
    if (w->success && json_is_string(w->output))
        print_output(a, slice_str(arena_printf(a, "%s\n", json_string_value(w->output))));
    else if (w->success)
        print_json_line(a, w->output ? w->output : json_null());
    if (!w->success)
        fprintf(stderr, "failed      %s\n", printable(a, slice_str(w->error ? w->error : "no reason given")));
    fprintf(stderr, "used        %s instructions, %d ms", text_grouped(w->instructions, count), (int)w->time_ms);
    if (w->compile_time_ms)
        fprintf(stderr, ", %d ms to build", (int)w->compile_time_ms);
    fprintf(stderr, "\ncost        %s charged, %s refunded\ntransaction %s (request %d, %s in all)\n",
            yocto_text(w->charged, charged), yocto_text(w->refunded, refunded), r->transaction, (int)w->request_id,
            text_duration(r->total_us, total));
}

static int status_of(const struct chain_answer *w) {
    if (w->success)
        return CLI_OK;
    return !w->settled || (w->failure && strcmp(w->failure, "platform") == 0) ? CLI_PLATFORM : CLI_GUEST;
}

static bool request(const struct request_options *o, struct arena *a, int *status, struct err *e) {
    struct target t;
    struct credentials from = {0};
    struct ask ask = {0};
    struct ask_result r = {0};
    if (!target_find(&t, a, &o->target, e))
        return false;
    bool ok = target_credentials(&t, a, o->from, &from, e) && prepare(o, &t, a, &ask, e) &&
              ask_run(&t, &from, &ask, show_progress, NULL, a, &r, e);
    if (ok) {
        if (o->json)
            print_json(a, &r, &ask);
        else
            print_people(a, &r);
        *status = status_of(&r.answer);
    }
    ask_release(&r);
    secret_key_wipe(&from.secret);
    target_release(&t);
    return ok;
}

int command_request(int argc, char **argv) {
    struct request_options o = {0};
    struct err e;
    bool help;
    int status = CLI_OK;
    if (!args_parse(&o, table, ARRAY_LEN(table), argc, argv, &help, &e))
        return command_failed(&e);
    if (help) {
        args_print_help("request", "asks a deployment to run a repository", table, ARRAY_LEN(table));
        return CLI_OK;
    }
    struct arena *a = arena_new();
    bool ok = request(&o, a, &status, &e);
    arena_free_wiped(a);
    return ok ? status : command_failed(&e);
}
