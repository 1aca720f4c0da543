// SPDX-License-Identifier: Apache-2.0
#include "dcap/policy_read.h"

#include "dcap/json.h"

// Values as they stand; each is read by its own function below.
#define MEMBERS(X)                                                                                                     \
    X(accept)                                                                                                          \
    X(advisories)                                                                                                      \
    X(any_advisory)                                                                                                    \
    X(min_tcb_eval)                                                                                                    \
    X(min_qe_eval)                                                                                                     \
    X(td_attributes)                                                                                                   \
    X(without_sept_ve)                                                                                                 \
    X(service_td)                                                                                                      \
    X(sgx_debug)                                                                                                       \
    X(measurements)

struct text {
#define X(name) struct bytes name;
    MEMBERS(X)
#undef X
};
static const struct dcap_json_member members[] = {
#define X(name) DCAP_JSON_OPTIONAL(struct text, name, #name, DCAP_JSON_RAW, 0),
    MEMBERS(X)
#undef X
};
static const struct dcap_json_shape shape = {members, sizeof members / sizeof members[0], NULL};

// The fields that can be pinned.
#define PINS(X)                                                                                                        \
    X(MRENCLAVE)                                                                                                       \
    X(MRSIGNER)                                                                                                        \
    X(ISVPRODID)                                                                                                       \
    X(MRSEAM)                                                                                                          \
    X(XFAM)                                                                                                            \
    X(MRTD)                                                                                                            \
    X(MRCONFIGID)                                                                                                      \
    X(MROWNER)                                                                                                         \
    X(MROWNERCONFIG)                                                                                                   \
    X(RTMR0)                                                                                                           \
    X(RTMR1)                                                                                                           \
    X(RTMR2)                                                                                                           \
    X(RTMR3)                                                                                                           \
    X(MR_SERVICETD)
static const uint8_t pinned[] = {
#define X(name) DCAP_FIELD_##name,
    PINS(X)
#undef X
};
enum { PINNED = sizeof pinned, LIST_MAX = 64 };

struct reading {
    struct dcap_policy *p;
    struct dcap_arena *a;
    const char **why;
    struct dcap_fault fault; // of texts within; the sentence is enough for a person
    enum dcap_field field;   // whose values are read
    struct bytes *advisories;
    struct dcap_pin *pins;
};

static bool wrong(struct reading *r, const char *why) {
    *r->why = why;
    return false;
}

// --- pieces of JSON that was found to be valid

static bool take(struct dcap_json *j, uint8_t c) {
    if (dcap_json_peek(j) != c)
        return false;
    j->at++;
    return true;
}

// Each text of an array, or the one text that stands for a list of one. At most LIST_MAX.
static bool each_text(struct reading *r, struct bytes raw, bool (*one)(struct reading *r, struct bytes text),
                      const char *why) {
    struct dcap_json j = {raw.ptr, raw.ptr + raw.len, &r->fault, DCAP_PART_NOTHING, NULL, 0, 0};
    bool list = take(&j, '[');
    unsigned n = 0;
    if (list && take(&j, ']'))
        return true;
    do {
        struct bytes text;
        if (n++ == LIST_MAX)
            return wrong(r, "The policy has a list of more than 64 values.");
        if (!dcap_json_text(&text, &j) || !one(r, text))
            return wrong(r, why);
    } while (list && take(&j, ','));
    return !list || take(&j, ']') || wrong(r, why);
}

// How many members a valid object has.
static size_t count_members(struct bytes object) {
    size_t depth = 0, n = 0;
    for (size_t i = 0; i < object.len; i++) {
        uint8_t c = object.ptr[i];
        if (c == '"') {
            for (i++; object.ptr[i] != '"'; i++)
                i += object.ptr[i] == '\\';
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        n += depth == 1 && c == ':';
    }
    return n;
}

// The members of a valid object, all of which are known.
static bool read_object(void *out, struct reading *r, const struct dcap_json_shape *s, struct bytes json,
                        const char *invalid, const char *unknown) {
    size_t known = 0;
    if (!dcap_json_document(out, json, s, DCAP_PART_NOTHING, &r->fault))
        return wrong(r, invalid);
    for (unsigned i = 0; i < s->count; i++)
        known += ((const struct bytes *)out)[i].ptr != NULL;
    return known == count_members(json) || wrong(r, unknown);
}

static bool take_flag(bool *out, struct reading *r, struct bytes raw, const char *why) {
    *out = dcap_bytes_eq(raw, DCAP_LIT("true"));
    return !raw.len || *out || dcap_bytes_eq(raw, DCAP_LIT("false")) || wrong(r, why);
}

static bool take_number(uint32_t *out, struct reading *r, struct bytes raw, const char *why) {
    uint64_t v = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] < '0' || raw.ptr[i] > '9' || i == 9)
            return wrong(r, why);
        v = v * 10 + (raw.ptr[i] - '0');
    }
    *out = (uint32_t)v;
    return true;
}

// --- what the members mean

static bool accept_status(struct reading *r, struct bytes text) {
    enum dcap_status s = dcap_status_of(text);
    r->p->accept |= 1u << s;
    return s != DCAP_NONE && s != DCAP_REVOKED;
}

static bool accept_advisory(struct reading *r, struct bytes text) {
    r->advisories[r->p->advisory_count++] = text;
    return text.len > 0;
}

static bool accept_attribute(struct reading *r, struct bytes text) {
    static const struct {
        const char *name;
        uint64_t bits;
    } named[] = {
#define X(name) {#name, DCAP_TD_##name},
        DCAP_TD_NAMED(X)
#undef X
    };
    for (unsigned i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (dcap_bytes_eq(text, dcap_bytes_of(named[i].name))) {
            r->p->td_attributes |= named[i].bits;
            return true;
        }
    }
    return false;
}

static bool accept_value(struct reading *r, struct bytes text) {
    static const uint8_t sizes[] = {
#define X(name, json, body, offset, len) len,
        DCAP_FIELDS(X)
#undef X
    };
    size_t n = sizes[r->field];
    uint8_t *value = dcap_arena_take(r->a, n);
    if (!value || r->p->pin_count == LIST_MAX || !dcap_hex_decode(value, text, n))
        return false;
    r->pins[r->p->pin_count++] = (struct dcap_pin){r->field, {value, n}};
    return true;
}

static bool read_pins(struct reading *r, struct bytes json) {
    static const char forms[] = "The policy's measurements must be hexadecimal texts of the right length, or lists of "
                                "at least one of them, 64 in all.";
    struct bytes values[PINNED] = {{NULL, 0}};
    struct dcap_json_member fields[PINNED];
    const struct dcap_json_shape pins = {fields, PINNED, NULL};
    for (unsigned i = 0; i < PINNED; i++) {
        const char *name = dcap_field_name((enum dcap_field)pinned[i]);
        fields[i] = (struct dcap_json_member){
            .name = name, .kind = DCAP_JSON_RAW, .size = sizeof values[i], .offset = (uint16_t)(i * sizeof values[i])};
    }
    if (!read_object(values, r, &pins, json, "The policy's measurements must be an object.",
                     "The policy's measurements have a member that is no measurement."))
        return false;
    for (unsigned i = 0; i < PINNED; i++) {
        size_t before = r->p->pin_count;
        r->field = (enum dcap_field)pinned[i];
        if (values[i].len && !each_text(r, values[i], accept_value, forms))
            return false;
        if (values[i].len && r->p->pin_count == before)
            return wrong(r, forms); // an empty list would be no pin at all
    }
    return true;
}

static bool read_lists(struct reading *r, const struct text *t) {
    if (t->accept.len) {
        r->p->accept = 0;
        if (!each_text(r, t->accept, accept_status,
                       "The policy's accept must be a list of TCB statuses as Intel spells them, without Revoked."))
            return false;
    }
    return (!t->advisories.len || each_text(r, t->advisories, accept_advisory,
                                            "The policy's advisories must be a list of ids such as INTEL-SA-00960.")) &&
           (!t->td_attributes.len ||
            each_text(r, t->td_attributes, accept_attribute,
                      "The policy's td_attributes must be a list of DEBUG, MIGRATABLE, PKS, KL and PERFMON.")) &&
           (!t->measurements.len || read_pins(r, t->measurements));
}

bool dcap_policy_read(struct dcap_policy *out, struct dcap_arena *a, struct bytes json, const char **why) {
    struct reading r = {.p = out, .a = a, .why = why};
    struct text t = {.accept = {NULL, 0}};
    dcap_policy_default(out);
    if (!json.len)
        return true;
    r.advisories = dcap_arena_take(a, LIST_MAX * sizeof *r.advisories);
    r.pins = dcap_arena_take(a, LIST_MAX * sizeof *r.pins);
    if (!r.advisories || !r.pins)
        return wrong(&r, "The policy is larger than the memory that was lent for it.");
    out->advisories = r.advisories;
    out->pins = r.pins;
    return read_object(&t, &r, &shape, json, "The policy must be one JSON object without a member twice.",
                       "The policy has a member that is not known.") &&
           read_lists(&r, &t) &&
           take_flag(&out->any_advisory, &r, t.any_advisory, "The policy's any_advisory must be true or false.") &&
           take_flag(&out->without_sept_ve, &r, t.without_sept_ve,
                     "The policy's without_sept_ve must be true or false.") &&
           take_flag(&out->service_td, &r, t.service_td, "The policy's service_td must be true or false.") &&
           take_flag(&out->sgx_debug, &r, t.sgx_debug, "The policy's sgx_debug must be true or false.") &&
           take_number(&out->min_tcb_eval, &r, t.min_tcb_eval, "The policy's min_tcb_eval must be a whole number.") &&
           take_number(&out->min_qe_eval, &r, t.min_qe_eval, "The policy's min_qe_eval must be a whole number.");
}
