// SPDX-License-Identifier: Apache-2.0
#include "events.h"
#include "collateral.h"
#include "shown.h"

// What the SDK's event_begin writes, in texts that are packed.
struct out *event_open(const char *event) {
    struct out *o = reply();
    out_str(o, "EVENT_JSON:{\"standard\":\"" EVENT_STANDARD "\",\"version\":\"" EVENT_VERSION "\",\"event\":");
    put_word(o, event);
    out_str(o, ",\"data\":[{");
    o->due = false;
    return o;
}

// In place of the SDK's: none of these is nearly as long as what a node takes.
void event_emit(struct out *o) {
    out_str(o, "}]}");
    log_line(o);
}

void log_setting(const char *setting, struct text value) {
    struct out *o = event_open("config_set");
    member_word(o, "setting", setting);
    member_string(o, "value", value);
    event_emit(o);
}

void log_account(const char *event, const struct account *a) {
    struct out *o = event_open(event);
    member_string(o, "owner_id", account_text(a));
    event_emit(o);
}

void out_hex(struct out *o, const void *bytes, size_t n) {
    static const char hex[] = "0123456789abcdef";
    const uint8_t *b = bytes;
    for (size_t i = 0; i < n; i++) {
        out_char(o, hex[b[i] >> 4]);
        out_char(o, hex[b[i] & 15]);
    }
}

void put_hex_bytes(struct out *o, const void *bytes, size_t n) {
    put_value(o, TEXT("\""));
    out_hex(o, bytes, n);
    out_char(o, '"');
}

// In place of the SDK's.
void put_hex(struct out *o, const struct hash *h) {
    if (h)
        put_hex_bytes(o, h->b, sizeof h->b);
    else
        put_null(o);
}

void member_hex_bytes(struct out *o, const char *key, const void *bytes, size_t n) {
    put_key(o, key);
    put_hex_bytes(o, bytes, n);
}

void out_date(struct out *o, uint64_t seconds) {
    char text[DCAP_ISO_SIZE];
    dcap_iso_of_time(text, seconds);
    out_raw(o, (struct text){text, sizeof text});
}

const char *part_name(enum dcap_part part) {
    static const char names[] =
#define X(name, words) #name "\0"
        DCAP_PARTS(X)
#undef X
        ;
    return dcap_nth(names, part);
}

void out_fault(struct out *o) {
    out_str(o, part_name(fault.part));
    out_str(o, ": ");
    out_str(o, dcap_code_name(fault.code));
    if (fault.detail > 100000000) { // of small numbers none is a date
        out_str(o, ", ");
        out_date(o, fault.detail);
    }
}

// --- keys

#define K(kind, name, member) SHOWN(kind, name, struct key_record, member)
enum { SHOWN_ALWAYS = 9, SHOWN_OF_WORKERS = 12, SHOWN_OF_KEYSTORES = 14 };
static const struct shown key_members[] = {
    K(KEY, "public_key", key),
    K(NUMBER, "image_id", image),
    K(HEX, "rtmr3", rtmr3),
    K(HEX, "fmspc", platform.fmspc),
    K(STATUS, "tcb_status", status),
    K(NUMBER, "tcb_date", tcb_date),
    K(NUMBER, "tcb_eval", tcb_eval),
    K(HEX, "platform_id", platform_id),
    K(NUMBER, "valid_until", valid_until),
    K(NUMBER, "registered_at", registered_at),
    K(NUMBER, "renewed_at", renewed_at),
    K(NUMBER, "pck_until", platform.pck_until),
    K(HEX, "transport_key", transport_key),
    K(HEX, "master_check", master_check),
};

void log_registered(const char *event, const struct key_record *k, const struct image *g, const struct hash *quote) {
    struct out *o = event_open(event);
    put_shown(o, key_members, SHOWN_ALWAYS, k);
    member_hex_bytes(o, "mrtd", g->mrtd, REGISTER_SIZE);
    member_hex_bytes(o, "quote_hash", quote->b, sizeof quote->b);
    event_emit(o);
}

void log_removed(const struct key_record *k, enum reason why) {
    static const char names[] = "owner\0retired\0expired\0tcb\0image";
    struct out *o = event_open(EVENT_KEY_REMOVED);
    put_shown(o, key_members, 1, k);
    member_word(o, "reason", dcap_nth(names, why));
    event_emit(o);
}

void log_failing(const struct key_record *k) {
    static const struct shown members[] = {K(KEY, "public_key", key), K(STATUS, "status", status),
                                           K(NUMBER, "since", failing_since)};
    struct out *o = event_open(EVENT_KEY_FAILING);
    SHOW_ALL(o, members, k);
    event_emit(o);
}

void put_key_record(struct out *o, const struct key_record *k) {
    const char *state = now_s() > k->valid_until  ? "expired"
                        : !image_counts(k->image) ? "unapproved"
                        : k->failing_since        ? "failing"
                                                  : "active";
    put_open(o, '{');
    put_shown(o, key_members, k->role == ROLE_KEYSTORE ? SHOWN_OF_KEYSTORES : SHOWN_OF_WORKERS, k);
    member_word(o, "state", state);
    put_close(o, '}');
}

// --- images

#define G(kind, name, member) SHOWN(kind, name, struct image, member)

static const char *kind_name(const struct image *g) { return dcap_nth("exact\0compose\0rtmr3", g->kind); }

static void put_image_head(struct out *o, const struct image *g, unsigned registers) {
    static const struct shown head[] = {G(NUMBER, "image_id", id), G(TEXT, "name", name),
                                        G(NUMBER, "active_from", active_from), G(NUMBER, "expires_at", expires_at)};
    static const struct shown register_members[] = {G(HEX, "mrtd", mrtd), G(HEX, "rtmr1", rtmr1),
                                                    G(HEX, "rtmr2", rtmr2)};
    SHOW_ALL(o, head, g);
    member_word(o, "role", dcap_nth(role_words, g->role));
    member_word(o, "kind", kind_name(g));
    if (g->kind == IMAGE_COMPOSE)
        member_hex_bytes(o, "compose_hash", g->compose_hash.b, HASH_SIZE);
    else
        member_hex_bytes(o, "rtmr3", g->rtmr3, REGISTER_SIZE);
    if (g->kind != IMAGE_RTMR3)
        put_shown(o, register_members, registers, g);
}

void log_image(const char *event, const struct image *g) {
    struct out *o = event_open(event);
    put_image_head(o, g, 1);
    event_emit(o);
}

void put_image(struct out *o, const struct image *g) {
    put_open(o, '{');
    put_image_head(o, g, 3);
    if (g->kind != IMAGE_RTMR3) {
        member_open(o, "rtmr0", '[');
        for (unsigned i = 0; i < g->shapes; i++)
            put_hex_bytes(o, g->rtmr0[i], REGISTER_SIZE);
        put_close(o, ']');
    }
    if (g->provider.given)
        member_hex_bytes(o, "key_provider", g->provider.value.b, HASH_SIZE);
    put_close(o, '}');
}
