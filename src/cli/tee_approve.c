// SPDX-License-Identifier: Apache-2.0
// `outlayer tee approve`: the contract's owner looks at what a quote proves, and approves the image that made it.
#include "cli/commands.h"
#include "cli/tee_collateral.h"
#include "cli/tee_quote.h"
#include "codec/hex.h"
#include "protocol/register.h"
#include "tee/event_log.h"
#include "tee/quote_verdict.h"

#define APPROVE_GAS (30 * TGAS)

struct approval {
    struct tee_quote quote;
    struct slice compose_hash, key_provider; // payloads of the events; empty: the log has none
    json_t *verdict;
};

static const char *hex48(struct arena *a, const uint8_t *r) { return hex_text(a, slice_of(r, TD_REGISTER_SIZE)); }

// All five registers, or the compose file that the log shows: RTMR3 differs from machine to machine where it holds an
// instance id.
static json_t *exact_arguments(const struct tee_job *j, const struct td_view *td) {
    json_t *args = json_object(), *m = json_object();
    json_set_text(m, "mrtd", hex48(j->a, td->mrtd));
    for (size_t i = 0; i < ARRAY_LEN(td->rtmr); i++)
        json_set_text(m, arena_printf(j->a, "rtmr%zu", i), hex48(j->a, td->rtmr[i]));
    json_object_set_new(args, "measurements", m);
    return args;
}

static json_t *image_arguments(const struct tee_job *j, const struct approval *p) {
    json_t *args = json_object(), *shapes = json_array();
    char hex[65];
    const struct td_view *td = &p->quote.td;
    struct hash provider = sha256(p->key_provider);
    json_array_append_new(shapes, json_string(hex48(j->a, td->rtmr[0])));
    json_set_text(args, "mrtd", hex48(j->a, td->mrtd));
    json_object_set_new(args, "rtmr0", shapes);
    json_set_text(args, "rtmr1", hex48(j->a, td->rtmr[1]));
    json_set_text(args, "rtmr2", hex48(j->a, td->rtmr[2]));
    json_set_text(args, "compose_hash", hex_text(j->a, p->compose_hash));
    if (p->key_provider.len)
        json_set_text(args, "key_provider", hash_hex(&provider, hex));
    return args;
}

// Nobody signs the log that comes beside a quote: what it shows is approved, or shown, only where the quote's RTMR3
// says the same.
static bool read_log(struct tee_job *j, struct approval *p, struct err *e) {
    struct event_log log;
    if (!event_log_parse(&log, j->a, p->quote.q.event_log, e))
        return false;
    struct slice compose_hash = event_log_payload(&log, "compose-hash");
    bool shown = compose_hash.len == sizeof(struct hash), holds = shown && event_log_holds(&log, &p->quote.td, j->a, e);
    if (holds) {
        p->compose_hash = compose_hash;
        p->key_provider = event_log_payload(&log, "key-provider");
    }
    if (holds || j->o->exact)
        return true;
    if (shown)
        return err_hint(e, "the log is not of this quote, or somebody changed it: take the machine's own answer of "
                           "GetQuote");
    err_set(e, ERR_USAGE, "the quote comes without an event log that shows a compose hash before system-ready");
    return err_hint(e,
                    "give the whole answer of GetQuote of dstack 0.5 or later, or --exact to approve this very RTMR3");
}

static void show(const struct tee_job *j, const struct approval *p) {
    const struct td_view *td = &p->quote.td;
    FILE *to = j->o->json ? stderr : stdout;
    char name[MEASUREMENT_TEXT_MAX];
    fprintf(to, "measurement   %s\nMRTD          %s   firmware\n", measurement_text(td, j->config.simulated, name),
            hex48(j->a, td->mrtd));
    static const char *const what[] = {"virtual machine", "kernel", "command line, root file system", "application"};
    for (size_t i = 0; i < ARRAY_LEN(what); i++)
        fprintf(to, "RTMR%zu         %s   %s\n", i, hex48(j->a, td->rtmr[i]), what[i]);
    if (p->compose_hash.len)
        fprintf(to, "compose hash  %s\n", hex_text(j->a, p->compose_hash));
    if (p->key_provider.len)
        fprintf(to, "key provider  %s\n", printable(j->a, p->key_provider));
    tee_show_verdict(j, p->verdict, to);
    fprintf(to, "%s\n",
            j->o->exact ? "to approve    exactly these registers"
                        : "to approve    this firmware, machine, kernel and compose file, on any machine");
}

static bool agreed(const struct tee_job *j) {
    if (j->o->yes || j->o->json)
        return true;
    char answer[8] = "";
    fprintf(stderr, "Approve it for %ss of %s? [y/N] ", tee_role(j), j->registry.account.s);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

// A quote that does not hold proves no measurements: whoever made it wrote in what they liked.
static bool holds(const struct approval *p, struct arena *a, struct err *e) {
    const json_t *error = json_object_get(p->verdict, "error");
    if (!json_is_object(error))
        return true;
    err_set(e, ERR_FORBIDDEN, "the quote proves nothing: %s", verdict_refusal(p->verdict, a));
    return err_hint(e, "`outlayer verify-quote` says which of its parts does not hold");
}

static void finish(const struct tee_job *j, json_t *result, const char *transaction) {
    json_object_set_new(result, "simulated", json_boolean(j->config.simulated));
    json_set_text(result, "transaction_hash", transaction);
    tee_finish(j, result);
}

static bool send(struct tee_job *j, const struct approval *p, struct err *e) {
    const struct td_view *td = &p->quote.td;
    SCOPED_JSON(args) = j->o->exact ? exact_arguments(j, td) : image_arguments(j, p);
    const char *transaction;
    json_set_text(args, "name", j->o->name ? j->o->name : "outlayer");
    json_set_text(args, "role", tee_role(j));
    const struct registry_call call = {
        .method = j->o->exact ? METHOD_ADD_MEASUREMENTS : METHOD_ADD_IMAGE, .args = args, .gas = {APPROVE_GAS}};
    if (!registry_send(&j->registry, j->a, &call, &transaction, NULL, e))
        return false;
    if (!j->o->json)
        printf("approved      in %s%s\n", transaction, j->config.simulated ? " (simulated: this proves nothing)" : "");
    finish(j, json_copy(args), transaction);
    return true;
}

// The image that the contract would take the quote for; -1: none. It looks at workers' images.
static json_int_t approved_as(const struct tee_job *j, const struct approval *p) {
    const json_t *id = json_object_get(p->verdict, "image_id");
    return !j->o->exact && strcmp(tee_role(j), "worker") == 0 && json_is_integer(id) ? json_integer_value(id) : -1;
}

static bool nothing_to_do(const struct tee_job *j, json_int_t id) {
    if (!j->o->json)
        printf("approved      already, as image %" JSON_INTEGER_FORMAT "\n", id);
    json_t *result = json_object();
    json_object_set_new(result, "image_id", json_integer(id));
    finish(j, result, NULL);
    return true;
}

static bool approve(struct tee_job *j, struct approval *p, struct err *e) {
    const struct quote_question q = {.quote = &p->quote.q, .find = tee_find_collateral, .ctx = j};
    p->verdict = registry_check_quote(&j->registry, j->a, &q, NULL, e);
    if (!p->verdict)
        return false;
    show(j, p);
    if (!holds(p, j->a, e))
        return false;
    if (approved_as(j, p) >= 0)
        return nothing_to_do(j, approved_as(j, p));
    return agreed(j) ? send(j, p, e) : err_set(e, ERR_USAGE, "nothing was approved");
}

bool tee_run_approve(struct tee_job *j, struct err *e) {
    struct approval p = {0};
    bool ok = tee_open_register(j, e) && tee_check_sources(j, e) && tee_open_payer(j, j->config.owner, e) &&
              tee_take_quote(j, &p.quote, e) && read_log(j, &p, e) && approve(j, &p, e);
    json_decref(p.verdict);
    return ok;
}
