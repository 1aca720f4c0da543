// SPDX-License-Identifier: Apache-2.0
#include "coordinator/messages.h"

#include "base/text.h"
#include "coordinator/api_tables.h"
#include "near/types.h"
#include "protocol/attestation.h"
#include "protocol/source_mark.h"

#define STORED_MAX (4u << 20) // bytes of a stored task: escapes make it longer than what was posted

// A body was checked by its table; a stored task was checked when it came, perhaps by an older program.

// --- tasks ---------------------------------------------------------------------------------------------------------

// Of an event that could not be read nobody may be known to have paid: such take turns with the contract's other ones.
static const char *payer_of(const json_t *j) {
    static const char *const names[] = {"payer_id", "sender_id", "contract_id"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *name = json_string_value(json_object_get(j, names[i]));
        if (name && account_id_valid(slice_str(name)))
            return name;
    }
    return "";
}

void task_read(struct posted_task *out, const json_t *j) {
    const json_t *source = json_object_get(j, "code_source");
    const char *repo = api_text(source, "repo"), *ref = api_text(source, "commit"),
               *target = api_text(source, "build_target");
    *out = (struct posted_task){.key = {api_text(j, "contract_id"), api_u64(j, "request_id", 0)},
                                .refused = api_text(j, "refused"),
                                .transaction_hash = api_text(json_object_get(j, "context"), "transaction_hash"),
                                .build_target = DEFAULT_BUILD_TARGET,
                                .payer = payer_of(j),
                                .dead_at_ms = api_u64(j, "dead_at_ms", 0)};
    if (out->refused)
        return;
    out->build_target = target ? target : DEFAULT_BUILD_TARGET;
    if (repo && ref)
        out->source = source_mark(repo, ref, out->build_target);
}

bool task_stored(struct arena *a, const char *json, struct queue_stored *out, struct err *e) {
    struct posted_task t;
    SCOPED_JSON(j) = json_parse_big(slice_str(json), STORED_MAX, e);
    if (!j)
        return false;
    task_read(&t, j);
    if (!t.key.contract_id)
        return err_set(e, ERR_CORRUPT, "a stored task names no contract");
    *out = (struct queue_stored){.key = {arena_strdup(a, t.key.contract_id), t.key.request_id},
                                 .build_target = arena_strdup(a, t.build_target),
                                 .payer = arena_strdup(a, t.payer),
                                 .source = t.source,
                                 .dead_at_ms = t.dead_at_ms};
    return true;
}

static void show_as(json_t *out, const char *as, const json_t *from, const char *key) {
    json_t *v = json_object_get(from, key);
    bool shown = json_is_integer(v) || (json_is_string(v) && json_string_length(v) <= TASK_TEXT_MAX);
    json_object_set_new(out, as, shown ? json_incref(v) : json_null());
}
// Amounts are decimal texts wherever they are shown, however they were sent.
static void show_amount(json_t *out, const char *name, const json_t *from) {
    u128 value;
    struct err unknown;
    if (json_is_null(json_object_get(from, name)) || !json_get_u128(from, name, &value, &unknown))
        json_object_set_new(out, name, json_null());
    else
        json_set_u128(out, name, value);
}
static void show(json_t *out, const char *key, const json_t *from) { show_as(out, key, from, key); }

json_t *task_about(const struct posted_task *t, const json_t *task) {
    const json_t *source = json_object_get(task, "code_source");
    json_t *out = json_object();
    json_set_text(out, "transaction_hash", t->transaction_hash);
    show(out, "sender_id", task);
    show(out, "payer_id", task);
    if (json_is_null(json_object_get(out, "payer_id")))
        show_as(out, "payer_id", task, "sender_id"); // who names no payer pays himself
    show_amount(out, "payment", task);
    show(out, "data_id", task);
    show(out, "repo", source);
    show(out, "build_target", source);
    show_as(out, "ref", source, "commit"); // as asked for; the commit is what it meant
    return out;
}

// --- reports -------------------------------------------------------------------------------------------------------

struct claim claim_of(struct arena *a, const json_t *j) {
    return (struct claim){{arena_strdup(a, api_text(j, "contract_id")), api_u64(j, "request_id", 0)},
                          arena_strdup(a, api_text(j, "token"))};
}

// In the one form in which lists look for it.
static void show_hash(json_t *out, const char *name, const json_t *value) {
    struct hash hash;
    struct err unknown;
    char hex[65];
    if (hash_from_hex(&hash, slice_str(json_string_value(value)), &unknown))
        json_object_set_new(out, name, json_string(hash_hex(&hash, hex)));
}

static bool is_kept_back(const char *name) {
    return api_is_word("contract_id request_id token outcome build_log guest_stderr attestation", name);
}

static void show_member(json_t *out, const struct api_field *f, const json_t *report, json_t *value) {
    if (f->kind == API_AMOUNT)
        show_amount(out, f->name, report);
    else if (f->kind == API_NUMBER)
        json_set_u64(out, f->name, api_u64(report, f->name, 0));
    else if (f->kind == API_HASH)
        show_hash(out, f->name, value);
    else
        json_object_set(out, strcmp(f->name, "resolve_transaction") == 0 ? "resolve_tx_id" : f->name, value);
}

json_t *report_about(const json_t *report) {
    json_t *out = json_object();
    for (size_t i = 0; i < report_schema.count; i++) {
        const struct api_field *f = &report_schema.fields[i];
        json_t *value = json_object_get(report, f->name);
        if (value && !json_is_null(value) && !is_kept_back(f->name))
            show_member(out, f, report, value);
    }
    return out;
}

static void cut_error(json_t *j) {
    const char *error = json_string_value(json_object_get(j, "error"));
    if (error && strlen(error) > REPORT_ERROR_MAX)
        json_object_set_new(j, "error", json_stringn(error, text_cut(error, REPORT_ERROR_MAX)));
}

// As it is written here: whatever spaces and order it came in.
static bool read_evidence(struct report *out, struct arena *a, const json_t *j, struct err *e) {
    const json_t *parts = json_object_get(j, "attestation");
    struct attestation x;
    out->evidence = NULL;
    if (!parts || json_is_null(parts))
        return true;
    if (!attestation_read(&x, parts, e))
        return err_wrap(e, "attestation");
    SCOPED_JSON(o) = attestation_json(&x);
    out->evidence = json_text(a, o);
    return true;
}

static const char *copy_of(struct arena *a, const json_t *j, const char *name) {
    const char *text = api_text(j, name);
    return text ? arena_strdup(a, text) : NULL;
}

bool report_read(struct report *out, struct arena *a, json_t *j, struct err *e) {
    *out = (struct report){.claim = claim_of(a, j),
                           .outcome = copy_of(a, j, "outcome"),
                           .instructions = api_u64(j, "instructions", 0),
                           .build_log = copy_of(a, j, "build_log"),
                           .guest_stderr = copy_of(a, j, "guest_stderr")};
    cut_error(j);
    return read_evidence(out, a, j, e);
}
