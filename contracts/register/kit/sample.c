// SPDX-License-Identifier: Apache-2.0
#include "sample.h"
#include "base/buf.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "tee/report_data.h"
#include "testpki/testpki.h"
#include <openssl/sha.h>

const char *sample_quote, *sample_collateral, *sample_root;
uint8_t sample_registers[5][48];
static struct arena *arena;
static json_t *object;
static char *text, *part;

void sample_release(void) {
    json_decref(object);
    object = NULL;
    free(text);
    free(part);
    text = part = NULL;
    arena_free(arena);
    arena = NULL;
}

static void change(struct pki_world *w, const struct sample *s) {
    if (s->evaluation)
        w->tcb_info.evaluation = w->identity.evaluation = s->evaluation;
    w->tcb_info.issued += s->younger;
    w->tcb_info.next += s->younger;
    w->identity.issued += s->younger;
    w->identity.next += s->younger;
    w->pck_crl.this_update += s->younger;
    w->pck_crl.next_update += s->younger;
    w->root_crl.this_update += s->younger;
    w->root_crl.next_update += s->younger;
    if (s->crl_number)
        w->pck_crl.number = w->root_crl.number = s->crl_number;
    w->sgx.fmspc[5] ^= s->fmspc;
    w->tcb_info.fmspc[5] ^= s->fmspc;
    if (s->revoked)
        memcpy(w->pck_crl.revoked[0], w->leaf.serial, sizeof w->leaf.serial);
    w->tcb_signer.serial[19] ^= s->other_signer;
    if (s->signer_revoked) {
        w->root_crl.revoked_count = 1;
        memcpy(w->root_crl.revoked[0], w->tcb_signer.serial, sizeof w->tcb_signer.serial);
    }
    if (s->out_of_date)
        w->tcb_info.levels[0].pcesvn = 12;
    for (size_t i = 0; s->not_up_to_date_at_all && i < w->tcb_info.level_count; i++)
        w->tcb_info.levels[i].pcesvn = 100 - (unsigned)i;
    if (s->debug)
        w->quote.body[PKI_TD_ATTRIBUTES] |= 1;
    if (s->report_data)
        memcpy(w->quote.body + (s->sgx ? PKI_REPORT_DATA : PKI_TD_REPORT_DATA), s->report_data, 64);
    if (s->rtmr3)
        memcpy(w->quote.body + PKI_RTMR3, s->rtmr3, 48);
}

void sample_make(const struct sample *s) {
    static struct pki_world w;
    struct pki_made made;
    sample_release();
    arena = arena_new();
    pki_world_init(&w, s->sgx ? PKI_SGX_V4 : PKI_TDX_V4, "register", s->platform ? s->platform : "a machine", s->now);
    change(&w, s);
    pki_make(&made, arena, &w);
    object = pki_collateral(arena, &made);
    sample_collateral = text = json_dumps(object, JSON_COMPACT);
    sample_quote = hex_text(arena, made.quote);
    sample_root = hex_text(arena, slice_of(made.root_key, sizeof made.root_key));
    memcpy(sample_registers[0], w.quote.body + PKI_MRTD, 48);
    memcpy(sample_registers[1], w.quote.body + PKI_RTMR0, 4 * 48);
}

const char *sample_only(const char *members) {
    json_t *some = json_object();
    for (const char *p = members; *p;) {
        size_t n = strcspn(p, ",");
        const char *name = arena_printf(arena, "%.*s", (int)n, p);
        json_object_set(some, name, json_object_get(object, name));
        p += n + (p[n] == ',');
    }
    free(part);
    part = json_dumps(some, JSON_COMPACT);
    json_decref(some);
    return part;
}

void sample_claim(uint8_t out[64], const struct sample_claim *c) {
    struct quote_place place = {c->network, c->register_contract, c->main_contract};
    struct hash challenge;
    struct report_data d;
    struct public_key key = {.type = KEY_ED25519};
    memcpy(challenge.b, c->challenge, 32);
    memcpy(key.bytes, c->key, 32);
    if (c->transport_key) {
        struct keystore_statement k = {.identity = key, .challenge = challenge};
        memcpy(k.transport_key, c->transport_key, 32);
        memcpy(k.master_check.b, c->master_check, 32);
        d = report_data_keystore(&place, &k);
    } else {
        d = report_data_worker(&place, &key, &challenge);
    }
    memcpy(out, d.b, sizeof d.b);
}

void sample_challenge(uint8_t out[32], const uint8_t seed[32]) {
    struct hash h = quote_challenge(slice_of(seed, 32));
    memcpy(out, h.b, 32);
}

// --- event logs

static void extend(uint8_t rtmr[48], const char *event, const uint8_t *payload, size_t n) {
    static const char type[4] = {1, 0, 0, 8};
    uint8_t both[96];
    SCOPED_BUF(b, 4096);
    buf_add(&b, type, sizeof type);
    buf_printf(&b, ":%s:", event);
    buf_add(&b, payload, n);
    struct slice all = buf_slice(&b);
    memcpy(both, rtmr, 48);
    SHA384(all.ptr, all.len, both + 48);
    SHA384(both, sizeof both, rtmr);
}

struct log {
    uint8_t *rtmr;
    json_t *events;
};

static void add(struct log *l, const char *event, const void *payload, size_t n) {
    extend(l->rtmr, event, payload, n);
    json_t *e = json_object();
    json_set_text(e, "event", event);
    json_set_text(e, "payload", hex_text(arena, slice_of(payload, n)));
    json_array_append_new(l->events, e);
}

const char *sample_log(uint8_t rtmr3[48], const uint8_t compose_hash[32], const char *provider, int flaw) {
    struct log l = {rtmr3, json_array()};
    memset(rtmr3, 0, 48);
    if (!arena)
        arena = arena_new();
    add(&l, "system-preparing", "", 0);
    add(&l, "app-id", compose_hash, 20);
    if (flaw != 2 && flaw != 3)
        add(&l, "compose-hash", compose_hash, 32);
    if (flaw == 1)
        add(&l, "compose-hash", compose_hash, 32);
    add(&l, "key-provider", provider, strlen(provider));
    add(&l, "system-ready", "", 0);
    if (flaw == 2)
        add(&l, "compose-hash", compose_hash, 32);
    if (flaw == 4)
        json_array_remove(l.events, json_array_size(l.events) - 1);
    json_t *o = json_object();
    json_set_u64(o, "version", 1);
    json_object_set_new(o, "events", l.events);
    free(part);
    part = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return part;
}
