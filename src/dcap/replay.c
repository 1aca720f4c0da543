// SPDX-License-Identifier: Apache-2.0
#include "dcap/replay.h"
#include "dcap/backend.h"
#include "dcap/json.h"

enum { APPLICATION = 3, RUNTIME_EVENT = 0x08000001 };

struct event {
    uint8_t imr, version;
    uint32_t type;
    struct bytes digest, preimage; // hexadecimal; empty where they are left out
    struct bytes name;             // escaped
    struct bytes payload;          // hexadecimal
};

// What the guest itself measures, and when that ends.
static const char trusted[] = "compose-hash\0key-provider\0system-ready\0app-id\0instance-id\0system-preparing\0"
                              "boot-mr-done\0mr-kms\0os-image-hash\0rootfs-hash\0storage-fs\0gpu-policy-hash\0"
                              "gpu-attestation\0init-script-hash";
enum { COMPOSE_HASH, KEY_PROVIDER, SYSTEM_READY, INIT_SCRIPTS = 13, TRUSTED };

struct replay {
    struct dcap_event_log *out;
    struct dcap_arena *arena;
    uint32_t seen;   // bit by trusted name
    uint8_t version; // of the contract's form
};

static bool fail(struct dcap_json *j, enum dcap_code code) { return dcap_json_fail(j, code, 0); }

// --- digests

static void extend(uint8_t mr[DCAP_RTMR_SIZE], const uint8_t digest[DCAP_SHA384_SIZE]) {
    struct dcap_sha384 h;
    dcap_sha384_init(&h);
    dcap_sha384_add(&h, mr, DCAP_RTMR_SIZE);
    dcap_sha384_add(&h, digest, DCAP_SHA384_SIZE);
    dcap_sha384_end(&h, mr);
}

static void add(struct dcap_sha384 *h, struct bytes b) { dcap_sha384_add(h, b.ptr, b.len); }

// A character of a name as RFC 8785 has it in a string.
static void add_escaped(struct dcap_sha384 *h, uint8_t c) {
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt", digits[] = "0123456789abcdef";
    uint8_t escape[6] = {'\\', 'u', '0', '0', (uint8_t)digits[c >> 4 & 1], (uint8_t)digits[c & 15]};
    for (size_t i = 0; i < sizeof plain - 1; i++) {
        if (c == (uint8_t)plain[i]) {
            escape[1] = (uint8_t)letter[i];
            dcap_sha384_add(h, escape, 2);
            return;
        }
    }
    if (c < 0x20)
        dcap_sha384_add(h, escape, sizeof escape);
    else
        dcap_sha384_add(h, &c, 1);
}

// Hexadecimal digits in lower case.
static void add_digits(struct dcap_sha384 *h, struct bytes hex) {
    uint8_t lower[32];
    while (hex.len > 0) {
        size_t n = 0;
        for (; n < sizeof lower && n < hex.len; n++)
            lower[n] = hex.ptr[n] | 0x20;
        dcap_sha384_add(h, lower, n);
        hex.ptr += n, hex.len -= n;
    }
}

// Version 1: the event type, the name and the payload with colons between them. Version 2: canonical JSON.
static void digest_of(uint8_t out[DCAP_SHA384_SIZE], const struct event *e, struct bytes name, struct bytes payload) {
    struct dcap_sha384 h;
    dcap_sha384_init(&h);
    if (e->version == 1) {
        add(&h, DCAP_LIT("\x01\0\0\x08:"));
        add(&h, name);
        add(&h, DCAP_LIT(":"));
        add(&h, payload);
    } else {
        add(&h, DCAP_LIT("{\"name\":\""));
        for (size_t i = 0; i < name.len; i++)
            add_escaped(&h, name.ptr[i]);
        add(&h, DCAP_LIT("\",\"payload\":\""));
        add_digits(&h, e->payload);
        add(&h, DCAP_LIT("\",\"type\":134217729}"));
    }
    dcap_sha384_end(&h, out);
}

static bool decoded(struct bytes *out, struct dcap_json *j, struct replay *r, struct bytes hex) {
    uint8_t *memory = dcap_arena_take(r->arena, hex.len / 2);
    *out = (struct bytes){memory, hex.len / 2};
    if (!memory)
        return fail(j, DCAP_NO_MEMORY);
    return dcap_hex_decode(memory, hex, hex.len / 2) || fail(j, DCAP_LOG_FORMAT);
}

// --- events

// Version 1 does not say where a name ends that has a colon, so that one event reads as several: what counts there is
// what stands before the first.
static unsigned trusted_name(bool *ambiguous, struct bytes name, uint8_t version) {
    struct bytes first = name;
    for (size_t i = 0; version == 1 && i < name.len && first.len == name.len; i++) {
        if (name.ptr[i] == ':')
            first.len = i;
    }
    *ambiguous = first.len < name.len;
    return dcap_index_of(first, trusted, TRUSTED);
}

static bool note(struct replay *r, struct dcap_json *j, struct bytes name, struct bytes payload, uint8_t version) {
    bool ambiguous;
    unsigned i = trusted_name(&ambiguous, name, version);
    if (i == TRUSTED)
        return true;
    if ((r->seen >> i & 1) && i != INIT_SCRIPTS)
        return fail(j, DCAP_LOG_DUPLICATE);
    if (r->seen >> SYSTEM_READY & 1)
        return fail(j, DCAP_LOG_LATE);
    if (ambiguous || (i == COMPOSE_HASH && payload.len != sizeof r->out->compose_hash))
        return fail(j, DCAP_LOG_FORMAT);
    r->seen |= 1u << i;
    if (i == COMPOSE_HASH)
        memcpy(r->out->compose_hash, payload.ptr, payload.len);
    if (i == KEY_PROVIDER) {
        r->out->has_key_provider = true;
        dcap_sha256(r->out->key_provider, payload.ptr, payload.len);
    }
    return true;
}

// What is said about the digest besides must be so.
static bool agrees(struct replay *r, struct dcap_json *j, const struct event *e,
                   const uint8_t digest[DCAP_SHA384_SIZE]) {
    struct bytes digests[2];
    uint8_t of_preimage[DCAP_SHA384_SIZE];
    struct dcap_sha384 h;
    if (!decoded(&digests[0], j, r, e->digest) || !decoded(&digests[1], j, r, e->preimage))
        return false;
    if (digests[1].len > 0) {
        dcap_sha384_init(&h);
        add(&h, digests[1]);
        dcap_sha384_end(&h, of_preimage);
        digests[1] = (struct bytes){of_preimage, sizeof of_preimage};
    }
    for (int i = 0; i < 2; i++) {
        if (digests[i].len > 0 && !dcap_bytes_eq(digests[i], (struct bytes){digest, DCAP_SHA384_SIZE}))
            return fail(j, DCAP_LOG_DIGEST);
    }
    return true;
}

static bool application_event(struct replay *r, struct dcap_json *j, const struct event *e) {
    uint8_t digest[DCAP_SHA384_SIZE], *memory = dcap_arena_take(r->arena, e->name.len);
    struct bytes name = e->name, payload;
    if (!memory)
        return fail(j, DCAP_NO_MEMORY);
    if (e->type != RUNTIME_EVENT || e->version < 1 || e->version > 2 || !dcap_json_unescape(&name, memory))
        return fail(j, DCAP_LOG_FORMAT);
    if (!decoded(&payload, j, r, e->payload))
        return false;
    digest_of(digest, e, name, payload);
    if (!agrees(r, j, e, digest))
        return false;
    extend(r->out->rtmr[APPLICATION], digest);
    return note(r, j, name, payload, e->version);
}

// The firmware's, whose payloads may have been left out.
static bool boot_event(struct replay *r, struct dcap_json *j, const struct event *e) {
    struct bytes digest;
    if (!decoded(&digest, j, r, e->digest))
        return false;
    if (e->imr > APPLICATION || digest.len != DCAP_SHA384_SIZE)
        return fail(j, DCAP_LOG_FORMAT);
    extend(r->out->rtmr[e->imr], digest.ptr);
    return true;
}

static bool take_event(struct replay *r, struct dcap_json *j, const struct dcap_json_shape *shape, struct event *e) {
    size_t used = r->arena->used;
    bool ok =
        dcap_json_object(e, j, shape) && (e->imr == APPLICATION ? application_event(r, j, e) : boot_event(r, j, e));
    r->arena->used = used;
    if (ok)
        r->out->events[e->imr]++;
    return ok;
}

static bool take_dstack_event(struct dcap_json *j, void *out) {
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct event, imr, "imr", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_REQUIRED(struct event, type, "event_type", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_OPTIONAL(struct event, digest, "digest", DCAP_JSON_TEXT, 0),
        DCAP_JSON_REQUIRED(struct event, name, "event", DCAP_JSON_ESCAPED, 0),
        DCAP_JSON_REQUIRED(struct event, payload, "event_payload", DCAP_JSON_TEXT, 0),
        DCAP_JSON_OPTIONAL(struct event, version, "version", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_OPTIONAL(struct event, preimage, "preimage", DCAP_JSON_TEXT, 0),
    };
    struct event e = {.version = 1};
    return take_event(out, j, &DCAP_JSON_SHAPE(members), &e);
}

static bool take_contract_event(struct dcap_json *j, void *out) {
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct event, name, "event", DCAP_JSON_ESCAPED, 0),
        DCAP_JSON_REQUIRED(struct event, payload, "payload", DCAP_JSON_TEXT, 0),
    };
    struct event e = {.imr = APPLICATION, .type = RUNTIME_EVENT, .version = ((struct replay *)out)->version};
    return take_event(out, j, &DCAP_JSON_SHAPE(members), &e);
}

// --- the two forms

static bool replay_document(struct replay *r, struct bytes text, struct dcap_fault *f) {
    static const struct dcap_json_each events = {take_contract_event};
    struct document {
        uint8_t version;
        struct bytes events;
    } d = {0};
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct document, version, "version", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_REQUIRED(struct document, events, "events", DCAP_JSON_RAW, 0),
    };
    if (!dcap_json_document(&d, text, &DCAP_JSON_SHAPE(members), DCAP_PART_EVENT_LOG, f))
        return false;
    r->version = d.version;
    return dcap_json_list(r, d.events, &events, DCAP_PART_EVENT_LOG, f);
}

static bool is_list(struct bytes text) {
    size_t i = 0;
    while (i < text.len && text.ptr[i] <= ' ')
        i++;
    return i < text.len && text.ptr[i] == '[';
}

bool dcap_replay(struct dcap_event_log *out, struct bytes text, const uint8_t *rtmrs, struct dcap_arena *arena,
                 struct dcap_fault *f) {
    static const struct dcap_json_each events = {take_dstack_event};
    static const uint32_t needed = 1u << COMPOSE_HASH | 1u << SYSTEM_READY;
    struct replay r = {.out = out, .arena = arena};
    memset(out, 0, sizeof *out);
    if (!(is_list(text) ? dcap_json_list(&r, text, &events, DCAP_PART_EVENT_LOG, f) : replay_document(&r, text, f)))
        return false;
    for (unsigned i = 0; i < DCAP_RTMRS; i++) {
        if ((out->events[i] > 0 || i == APPLICATION) &&
            memcmp(out->rtmr[i], rtmrs + i * DCAP_RTMR_SIZE, DCAP_RTMR_SIZE) != 0)
            return dcap_fail_with(f, DCAP_LOG_MISMATCH, DCAP_PART_EVENT_LOG, i);
    }
    return (r.seen & needed) == needed || dcap_fail(f, DCAP_LOG_EVENT_MISSING, DCAP_PART_EVENT_LOG);
}
