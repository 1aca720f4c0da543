// SPDX-License-Identifier: Apache-2.0
// `outlayer tee status`: what this machine is and proves, what the register contract makes of it, how long that lasts,
// and the one command that mends what is wrong.
#include "cli/commands.h"
#include "cli/tee_collateral.h"
#include "cli/tee_quote.h"
#include "codec/hex.h"
#include "collateral/facts.h"
#include "collateral/moment.h"
#include "collateral/platform.h"
#include "dcap/chain.h"
#include "dcap/report.h"
#include "protocol/register.h"
#include "tee/event_log.h"
#include "tee/quote_verdict.h"

#define LENT_BYTES (2u << 20) // for the core: a verification and its report
#define FEW_DAYS 3            // of collateral: then it is an alarm

struct status {
    struct tee_job *j;
    json_t *out; // what --json prints
    struct tee_quote quote;
    json_t *verdict;              // of check_quote; NULL: not asked
    bool keyed;                   // there is a key file that can be read, of this register contract
    struct public_key key;        // from it
    struct err key_fault;         // where there is none
    bool agent, quoted, registry; // registry: there is a register contract to ask
    bool simulated;               // the quote is not signed under Intel's root
    bool brought; // the contract has no collateral in force for this platform; it was asked with what Intel serves
    uint64_t now;
    const char *wrong, *mend; // the first thing that is wrong, and the command
    const char *warning;      // nothing is wrong yet, but will be; NULL: nothing of that kind
};

// The first thing that is wrong hides those behind it, whose mending may need it.
static void found(struct status *s, const char *wrong, const char *mend) {
    if (s->wrong)
        return;
    s->wrong = wrong;
    s->mend = mend;
}

static void line(const struct status *s, const char *what, const char *text) {
    if (!s->j->o->json)
        printf("%-13s %s\n", what, printable_line(s->j->a, text));
}

// --- the machine

static void look_at_agent(struct status *s) {
    struct tee_job *j = s->j;
    struct err e;
    json_t *agent = json_object();
    json_object_set_new(s->out, "agent", agent);
    s->agent = tee_open_agent(j, &e);
    if (!s->agent) {
        json_set_text(agent, "error", e.msg);
        line(s, "agent", e.msg);
        found(s, arena_strdup(j->a, e.msg), arena_strdup(j->a, e.hint));
        return;
    }
    json_set_text(agent, "endpoint", j->agent.endpoint);
    json_set_text(agent, "version", j->agent.version[0] ? j->agent.version : NULL);
    json_set_text(agent, "family", j->agent.family == DSTACK_TAPPD ? "tappd" : "dstack");
    line(s, "agent", dstack_name(&j->agent, j->a));
}

static void show_registers(struct status *s) {
    static const char *const names[] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
    const struct td_view *td = &s->quote.td;
    struct arena *a = s->j->a;
    struct event_log log;
    json_t *m = json_object();
    json_object_set_new(s->out, "measurements", m);
    json_set_text(m, "mrtd", hex_text(a, slice_of(td->mrtd, TD_REGISTER_SIZE)));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_set_text(m, names[i], hex_text(a, slice_of(td->rtmr[i], TD_REGISTER_SIZE)));
    json_set_text(m, "mr_config_id", hex_text(a, slice_of(td->config_id, TD_REGISTER_SIZE)));
    if (event_log_parse(&log, a, s->quote.q.event_log, NULL) && event_log_payload(&log, "compose-hash").len)
        json_set_text(m, "compose_hash", hex_text(a, event_log_payload(&log, "compose-hash")));
    const char *key;
    json_t *value;
    json_object_foreach(m, key, value)
        line(s, key, json_string_value(value));
}

// Whether the platform's certificates lead to Intel's root, whatever root a contract believes. A clock that is wrong
// makes no machine a simulated one: where one of them is not of this time, they are looked at as of its own.
static bool intel_signed(const struct status *s) {
    struct dcap_trust intel;
    struct dcap_fault fault;
    struct quote_platform platform;
    uint64_t at = s->now;
    dcap_trust_intel(&intel);
    for (int i = 0; i < DCAP_CHAIN_MAX; i++) {
        if (quote_platform_of(&platform, s->quote.q.quote, &intel, at, &fault))
            return true;
        if (!collateral_date_fault(&fault))
            return false;
        at = fault.detail;
    }
    return false;
}

static void look_at_machine(struct status *s) {
    struct err e;
    char name[MEASUREMENT_TEXT_MAX];
    look_at_agent(s);
    static const struct report_data nothing;
    s->quoted = s->agent && dstack_quote(&s->j->agent, s->j->a, &nothing, &s->quote.q, &s->quote.td, &e);
    s->simulated = s->quoted && !intel_signed(s);
    json_set_text(s->out, "tee", !s->quoted ? "none" : s->simulated ? "simulated" : "tdx");
    line(s, "machine",
         !s->quoted     ? "proves nothing"
         : s->simulated ? "Intel TDX, simulated: it proves nothing"
                        : "Intel TDX");
    if (s->quoted) {
        const char *text = measurement_text(&s->quote.td, s->simulated, name);
        json_set_text(s->out, "measurement", text);
        line(s, "measurement", text);
        show_registers(s);
    } else if (s->agent) {
        line(s, "quote", e.msg);
        found(s, arena_strdup(s->j->a, e.msg), arena_strdup(s->j->a, e.hint));
    }
}

// --- what the platform is worth, by today's set and by the next one

// The report of src/dcap on the quote by this set, which Intel's service or a cache of it serves.
static json_t *judge_by(struct status *s, const char *set, enum dcap_outcome *outcome) {
    struct tee_job *j = s->j;
    struct fetched *got = arena_calloc(j->a, 1, sizeof *got);
    struct dcap_checked *checked = arena_calloc(j->a, 1, sizeof *checked);
    struct dcap_arena lent = {arena_alloc(j->a, LENT_BYTES), LENT_BYTES, 0};
    struct dcap_trust trust;
    struct dcap_policy policy;
    struct err e;
    *outcome = DCAP_NOT_CHECKABLE;
    if (!tee_fetch_collateral(j, s->quote.q.quote, set, got, &e)) {
        line(s, arena_printf(j->a, "TCB %s", set), e.msg);
        return json_pack("{s:o}", "error", json_of_bytes(e.msg));
    }
    tee_trust(j, &trust);
    dcap_policy_default(&policy);
    const struct dcap_question question = {.quote = {s->quote.q.quote.ptr, s->quote.q.quote.len},
                                           .collateral = collateral_for_core(&got->c),
                                           .policy = &policy,
                                           .trust = &trust,
                                           .now = s->now};
    dcap_check(checked, &lent, &question);
    *outcome = dcap_outcome(checked);
    struct bytes report = dcap_report(&lent, checked);
    json_t *out = json_parse_big(slice_of(report.ptr, report.len), report.len, &e);
    const char *status = json_string_value(json_object_get(out, "status"));
    line(s, arena_printf(j->a, "TCB %s", set), status ? status : "cannot be judged");
    return out ? out : json_null();
}

// A platform that fails today's set works until the contract has that; one that fails Intel's next set, until that
// becomes the standard, a year after the event. What nobody could be asked about says nothing against it.
static void look_at_tcb(struct status *s) {
    enum dcap_outcome standard, early;
    if (!s->quoted)
        return;
    json_t *tcb = json_object();
    json_object_set_new(s->out, "tcb", tcb);
    json_object_set_new(tcb, "standard", judge_by(s, "standard", &standard));
    json_object_set_new(tcb, "early", judge_by(s, "early", &early));
    if (standard == DCAP_NOT_ACCEPTED)
        s->warning = "Intel's set of today does not accept this platform: update it before the contract has that set "
                     "(`outlayer verify-quote` says which part)";
    else if (early == DCAP_NOT_ACCEPTED)
        s->warning = "Intel's next set does not accept this platform: update it before that set is the standard "
                     "(`outlayer verify-quote` says which part)";
}

// --- what the register contract says

static void read_key(struct status *s) {
    struct credentials own;
    s->keyed = registration_read_key(&own, &s->j->registry, s->j->key_path, &s->key_fault);
    s->key = own.public;
    secret_key_wipe(&own.secret);
}

static const char *mend_of(const struct status *s, const json_t *refusal) {
    if (refusal_of_image(refusal))
        return arena_printf(s->j->a, "`outlayer tee approve` by %s, the contract's owner", s->j->config.owner);
    if (refusal_of_removed(refusal))
        return "`outlayer tee register --new-key` makes another one";
    if (refusal_of_role(refusal))
        return "`outlayer tee register --key FILE` makes a key of its own for the worker";
    return "`outlayer verify-quote` says which part of the platform needs an update";
}

// The question's report data are zeros, which says nothing of the machine.
static void look_at_refusals(struct status *s) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(s->verdict, "refused"), i, one) {
        if (refusal_of_purpose(one))
            continue;
        const char *words = refusal_words(one, s->j->a);
        line(s, "not accepted", words);
        found(s, words, mend_of(s, one));
    }
}

static void look_at_verdict(struct status *s) {
    struct tee_job *j = s->j;
    struct err e;
    if (!s->quoted)
        return;
    const struct quote_question q = {
        .key = s->keyed ? &s->key : NULL, .quote = &s->quote.q, .find = tee_find_collateral, .ctx = j};
    SCOPED_JSON(brought) = NULL;
    s->verdict = registry_check_quote(&j->registry, j->a, &q, &brought, &e);
    s->brought = brought;
    if (!s->verdict) {
        found(s, arena_strdup(j->a, e.msg), arena_strdup(j->a, e.hint));
        return;
    }
    json_object_set(s->out, "on_chain", s->verdict);
    const json_t *error = json_object_get(s->verdict, "error");
    const char *status = json_string_value(json_object_get(s->verdict, "status"));
    if (json_is_object(error)) {
        const char *words = verdict_refusal(s->verdict, j->a);
        line(s, "on chain", words);
        found(s, words, "`outlayer verify-quote` says more");
        return;
    }
    line(s, "on chain",
         arena_printf(j->a, "%s%s", status ? status : "no status",
                      brought ? ", with collateral that the contract does not have" : ""));
    look_at_refusals(s);
}

static void look_at_collateral(struct status *s) {
    struct tee_job *j = s->j;
    struct err e;
    size_t i;
    json_t *one;
    json_t *all = registry_view(&j->registry, j->a, VIEW_COLLATERAL_STATUS, NULL, &e);
    if (!all) {
        found(s, arena_strdup(j->a, e.msg), arena_strdup(j->a, e.hint));
        return;
    }
    json_object_set_new(s->out, "collateral", all);
    json_array_foreach(all, i, one) {
        const char *part = json_string_value(json_object_get(one, "part")),
                   *id = json_string_value(json_object_get(one, "id"));
        json_int_t days = json_integer_value(json_object_get(one, "days_left"));
        line(s, "collateral",
             arena_printf(j->a, "%s %s: %" JSON_INTEGER_FORMAT " days left", part ? part : "?", id ? id : "", days));
        if (days < FEW_DAYS && verdict_of_part(s->verdict, one))
            found(s,
                  arena_printf(j->a, "the %s on chain has %" JSON_INTEGER_FORMAT " days left",
                               part ? part : "collateral", days),
                  "`outlayer tee register --renew` brings it along");
    }
}

// --- the key

static void show_key(struct status *s, const struct public_key *key, const struct registry_key *record) {
    struct arena *a = s->j->a;
    char until[MOMENT_TEXT], span[MOMENT_TEXT];
    json_t *j = json_object();
    uint64_t left = record->valid_until > s->now ? record->valid_until - s->now : 0;
    bool due = record->there && registration_due(record, key, s->now), removed = verdict_of_removed(s->verdict);
    json_object_set_new(s->out, "key", j);
    json_set_text(j, "public_key", public_key_text(a, key));
    json_object_set_new(j, "registered", json_boolean(record->there));
    json_set_u64(j, "valid_until", record->valid_until);
    json_set_u64(j, "days_left", left / DAY_S);
    json_set_text(j, "state", record->there ? record->state : removed ? "removed" : NULL);
    json_object_set_new(j, "renewal_due", json_boolean(due));
    line(s, "key", public_key_text(a, key));
    line(s, "",
         record->there ? arena_printf(a, "registered until %s, which is %s%s", moment_text(record->valid_until, until),
                                      span_text(left, span), due ? "; its renewal is due" : "")
         : removed     ? "removed: it never comes back"
                       : "not registered");
    if (record->there && strcmp(record->state, "failing") == 0)
        found(s, "the key's platform is not accepted any more, and the key will be removed",
              "`outlayer verify-quote` says which part of the platform needs an update");
    if (record->there && strcmp(record->state, "unapproved") == 0)
        found(s, "the key's image is not approved any more, and the key will be removed",
              "`outlayer tee approve` is how its owner approves an image");
    if (record->there && s->brought)
        found(s, "the contract has no collateral in force for this platform",
              "`outlayer tee register --renew` brings it along");
    if (!record->there || due)
        found(s, record->there ? "the key's renewal is due" : "the key is not registered", "`outlayer tee register`");
}

static void look_at_key(struct status *s) {
    struct tee_job *j = s->j;
    struct registry_key record;
    struct err e = s->key_fault;
    if (!s->keyed && e.code == ERR_NOT_FOUND) {
        json_object_set_new(s->out, "key", json_null());
        line(s, "key", "none was made yet");
        found(s, "no key was made yet", "`outlayer tee register`");
        return;
    }
    if (s->keyed && registry_key(&j->registry, j->a, &s->key, &record, &e))
        show_key(s, &s->key, &record);
    else
        found(s, arena_strdup(j->a, e.msg), arena_strdup(j->a, e.hint));
}

static void look_at_chain(struct status *s) {
    struct tee_job *j = s->j;
    json_set_text(s->out, "register_contract_id", j->registry.account.s);
    line(s, "register",
         arena_printf(j->a, "%s of %s%s", j->registry.account.s, j->config.owner,
                      j->config.simulated ? " (believes a simulator: it proves nothing)" : ""));
    if (s->simulated && !j->config.simulated)
        found(s, "the machine is a simulated one, and the register contract believes Intel alone",
              "run this in an Intel TDX guest");
    read_key(s);
    look_at_verdict(s);
    look_at_tcb(s);
    look_at_collateral(s);
    look_at_key(s);
}

static void show_end(struct status *s) {
    json_set_text(s->out, "wrong", s->wrong);
    json_set_text(s->out, "mend", s->mend);
    json_set_text(s->out, "warning", s->warning);
    if (s->warning)
        line(s, "warning", s->warning);
    line(s, s->wrong ? "wrong" : "all is well", s->wrong ? s->wrong : "");
    if (s->wrong && s->mend[0])
        line(s, "mend", s->mend);
}

// A machine can be looked at where nobody has put a register contract yet.
bool tee_run_status(struct tee_job *j, struct err *e) {
    struct status s = {.j = j, .out = json_object(), .now = moment_now()};
    struct err none;
    s.registry = tee_open_register(j, &none) && registry_now(&j->registry, j->a, &s.now, &none);
    bool usable = s.registry ? tee_check_sources(j, &none) : none.code == ERR_NOT_FOUND || none.code == ERR_SETTINGS;
    if (!usable) {
        json_decref(s.out);
        *e = none;
        return false;
    }
    look_at_machine(&s);
    if (s.registry)
        look_at_chain(&s);
    else
        found(&s, arena_strdup(j->a, none.msg), arena_strdup(j->a, none.hint));
    show_end(&s);
    j->status_wrong = s.wrong;
    json_decref(s.verdict);
    tee_finish(j, s.out);
    return true;
}
