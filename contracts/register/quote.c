// SPDX-License-Identifier: Apache-2.0
#include "quote.h"
#include "dcap/pem.h"
#include "dcap/replay.h"

struct bytes quote_bytes(struct text t) {
    uint8_t *to = (uint8_t *)(uintptr_t)t.ptr;
    struct bytes bytes;
    if (t.len && *t.ptr == '0') { // a version's low byte is below 16; in base64 that is a letter
        require(t.len % 2 == 0 && hex_take(to, t, t.len / 2), "Invalid quote hex encoding");
        return (struct bytes){to, t.len / 2};
    }
    require(dcap_base64_decode(&bytes, to, (struct bytes){to, t.len}), "Invalid quote hex encoding");
    return bytes;
}

struct dcap_verdict verdict;

bool quote_verify(struct bytes quote, struct state *s, uint64_t at) {
    static struct dcap_opened o;
    struct dcap_parts parts = {0};
    bool opened = dcap_open(&o, quote, given.from.pck_certificate_chain, &s->trust, at, arena(), &fault);
    verdict = (struct dcap_verdict){.quote = o.quote};
    return opened && parts_load(&parts, s, o.pck.fmspc, (uint8_t)o.chain.ca) &&
           dcap_verify_opened(&verdict, &o, &parts, s->trust.root_key, at, arena(), &fault);
}

// --- report data

static const char tag[] = "outlayer-quote-\1"; // 16 bytes

static struct hash record_hash(const struct claim *c, const struct state *s, const struct hash *challenge) {
    char chain[CHAIN_ID_MAX];
    struct rec_out *r = record_begin();
    struct account here = self();
    rec_put_text(r, c->role == ROLE_WORKER ? TEXT("outlayer-quote-worker-v1") : TEXT("outlayer-quote-keystore-v1"));
    rec_put_text(r, chain_id(chain));
    rec_put_account(r, &here);
    rec_put_account(r, &s->main);
    rec_put_bytes(r, c->key->b, sizeof c->key->b);
    if (c->role == ROLE_KEYSTORE) {
        rec_put_hash(r, &c->transport_key);
        rec_put_hash(r, &c->master_check);
    }
    rec_put_hash(r, challenge);
    return sha256_of(REC_TEXT(*r));
}

static bool binds(const uint8_t *data, const struct claim *c, const struct state *s,
                  const struct challenge *challenge) {
    if (!challenge->made)
        return false;
    struct hash h = record_hash(c, s, &challenge->value);
    return memcmp(data + 32, h.b, sizeof h.b) == 0;
}

enum binding quote_binding(struct bytes report_data, const struct claim *c, const struct state *s) {
    static const uint8_t zeros[15];
    const uint8_t *data = report_data.ptr;
    if (memcmp(data, tag, 16) != 0)
        return memcmp(data, c->key->b + 1, HASH_SIZE) == 0 && c->role == ROLE_WORKER ? BINDS_KEY : BINDS_NOTHING;
    if (data[16] != 1 + c->role || memcmp(data + 17, zeros, sizeof zeros) != 0)
        return BINDS_PURPOSE;
    struct challenges all = challenges_load();
    const struct challenge *each[] = {&all.now, &all.before};
    for (unsigned i = 0; i < 2; i++)
        if (binds(data, c, s, each[i]))
            return now_s() - each[i]->made <= CHALLENGE_VALID_S ? BINDS_CHALLENGE : BINDS_STALE;
    return BINDS_OTHER;
}

bool binding_counts(enum binding b, const struct state *s) {
    return b == BINDS_CHALLENGE || (b == BINDS_KEY && s->allow_plain);
}

static const char binding_sentences[] = // by enum binding, from BINDS_KEY on
    "The quote binds the bare key, which shows no freshness: quote a challenge of new_challenge\0" REFUSED_CHALLENGE
    "\0The quote was made for another purpose, which its report data names\0" REFUSED_REPORT_DATA;

const char *binding_sentence(enum binding b) {
    return dcap_nth(binding_sentences, b < BINDS_KEY ? 0 : b > BINDS_OTHER ? BINDS_OTHER - BINDS_KEY : b - BINDS_KEY);
}

// --- images

static void copy_field(uint8_t to[static REGISTER_SIZE], const struct dcap_quote *q, enum dcap_field field) {
    memcpy(to, dcap_quote_at(q, field), REGISTER_SIZE);
}

static enum showing look(struct image *g, const struct image *wanted, uint64_t now) {
    uint32_t id;
    if (!image_find(wanted, 0, &id) || !image_load(id, g))
        return SHOWS_NONE;
    if (now < g->active_from)
        return SHOWS_LATER;
    return g->expires_at && now > g->expires_at ? SHOWS_EXPIRED : SHOWS_IMAGE;
}

static enum showing look_by_log(struct image *g, struct image *wanted, const struct dcap_quote *q,
                                struct text event_log, uint64_t now) {
    struct dcap_event_log log;
    if (!dcap_replay(&log, (struct bytes){(const uint8_t *)event_log.ptr, event_log.len},
                     dcap_quote_at(q, DCAP_FIELD_RTMR0), arena(), &fault))
        return SHOWS_BAD_LOG;
    wanted->kind = IMAGE_COMPOSE;
    memcpy(wanted->compose_hash.b, log.compose_hash, HASH_SIZE);
    enum showing what = look(g, wanted, now);
    if (what != SHOWS_IMAGE || !g->provider.given)
        return what;
    return log.has_key_provider && memcmp(log.key_provider, g->provider.value.b, HASH_SIZE) == 0 ? SHOWS_IMAGE
                                                                                                 : SHOWS_PROVIDER;
}

enum showing quote_image(struct image *g, const struct dcap_quote *q, uint8_t role, struct text event_log,
                         const struct state *s, uint64_t now) {
    struct image wanted = {.role = role, .kind = IMAGE_EXACT, .shapes = 1};
    copy_field(wanted.mrtd, q, DCAP_FIELD_MRTD);
    copy_field(wanted.rtmr0[0], q, DCAP_FIELD_RTMR0);
    copy_field(wanted.rtmr1, q, DCAP_FIELD_RTMR1);
    copy_field(wanted.rtmr2, q, DCAP_FIELD_RTMR2);
    copy_field(wanted.rtmr3, q, DCAP_FIELD_RTMR3);
    enum showing what = look(g, &wanted, now), other = SHOWS_NONE;
    if (what != SHOWS_IMAGE && event_log.len)
        other = look_by_log(g, &wanted, q, event_log, now);
    if (other != SHOWS_NONE)
        what = other;
    if (what == SHOWS_IMAGE || !s->allow_rtmr3_only)
        return what;
    wanted.kind = IMAGE_RTMR3;
    other = look(g, &wanted, now);
    return other == SHOWS_NONE ? what : other;
}
