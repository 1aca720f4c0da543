// SPDX-License-Identifier: Apache-2.0
#include "events.h"

struct out *event_open(const char *event) {
    const struct event_name name = {EVENT_STANDARD, EVENT_VERSION, event};
    struct out *o = reply();
    event_begin(o, &name);
    return o;
}

void log_setting(const char *setting, struct text value) {
    struct out *o = event_open("config_set");
    member_string(o, "setting", text_of(setting));
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
    char digits[128];
    struct out text = OUT(digits);
    out_hex(&text, bytes, n);
    put_string(o, out_text(&text));
}

void member_hex_bytes(struct out *o, const char *key, const void *bytes, size_t n) {
    put_key(o, key);
    put_hex_bytes(o, bytes, n);
}

void member_public_key(struct out *o, const struct public_key *k) {
    char text[PUBLIC_KEY_TEXT_MAX];
    member_string(o, "public_key", public_key_text(k, text));
}

// --- dates

static void out_digits(struct out *o, uint32_t n, uint32_t unit, char after) {
    for (; unit; unit /= 10)
        out_char(o, (char)('0' + n / unit % 10));
    out_char(o, after);
}

// Days of the calendar are counted from 1 March of year 0, so that leap days come last.
void out_date(struct out *o, uint64_t seconds) {
    uint32_t days = (uint32_t)(seconds / 86400) + 719468, rest = (uint32_t)(seconds % 86400);
    uint32_t era = days / 146097, day = days % 146097;
    uint32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    uint32_t month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5;
    month = month < 10 ? month + 3 : month - 9;
    out_digits(o, era * 400 + year + (month <= 2), 1000, '-');
    out_digits(o, month, 10, '-');
    out_digits(o, day + 1, 10, 'T');
    out_digits(o, rest / 3600, 10, ':');
    out_digits(o, rest / 60 % 60, 10, ':');
    out_digits(o, rest % 60, 10, 'Z');
}

const char *part_name(enum dcap_part part) {
#define X(name, words) #name,
    static const char *const names[] = {DCAP_PARTS(X)};
#undef X
    return names[part];
}

void out_fault(struct out *o, const struct dcap_fault *f) {
    out_str(o, part_name(f->part));
    out_str(o, ": ");
    out_str(o, dcap_code_name(f->code));
    if (f->detail > 100000000) { // of small numbers none is a date
        out_str(o, ", ");
        out_date(o, f->detail);
    }
}

// --- keys

#define K(kind, name, member) JSON_MEMBER(kind, name, struct key_record, member)

void log_registered(const char *event, const struct key_record *k, const struct image *g, const struct hash *quote) {
    struct out *o = event_open(event);
    member_public_key(o, &k->key);
    member_number(o, "image_id", k->image);
    member_hex_bytes(o, "rtmr3", k->rtmr3, REGISTER_SIZE);
    member_hex_bytes(o, "mrtd", g->mrtd, REGISTER_SIZE);
    member_hex_bytes(o, "fmspc", k->platform.fmspc, 6);
    member_string(o, "tcb_status", text_of(dcap_status_name(k->status)));
    member_number(o, "tcb_date", k->tcb_date);
    member_number(o, "tcb_eval", k->tcb_eval);
    member_hex(o, "platform_id", &k->platform_id);
    member_number(o, "valid_until", k->valid_until);
    member_hex(o, "quote_hash", quote);
    event_emit(o);
}

void log_removed(const struct key_record *k, enum reason why) {
    static const char *const names[] = {"owner", "retired", "expired", "tcb", "image"};
    struct out *o = event_open(EVENT_KEY_REMOVED);
    member_public_key(o, &k->key);
    member_string(o, "reason", text_of(names[why]));
    event_emit(o);
}

void log_failing(const struct key_record *k) {
    struct out *o = event_open(EVENT_KEY_FAILING);
    member_public_key(o, &k->key);
    member_string(o, "status", text_of(dcap_status_name(k->status)));
    member_number(o, "since", k->failing_since);
    event_emit(o);
}

void put_key_record(struct out *o, const struct key_record *k) {
    static const struct json_member times[] = {
        K(U64, "registered_at", registered_at),
        K(U64, "renewed_at", renewed_at),
        K(U64, "valid_until", valid_until),
    };
    static const struct json_member tcb[] = {
        K(U64, "tcb_date", tcb_date),
        K(U32, "tcb_eval", tcb_eval),
        K(U32, "image_id", image),
    };
    const char *state = now_s() > k->valid_until  ? "expired"
                        : !image_counts(k->image) ? "unapproved"
                        : k->failing_since        ? "failing"
                                                  : "active";
    put_open(o, '{');
    member_public_key(o, &k->key);
    member_hex_bytes(o, "rtmr3", k->rtmr3, REGISTER_SIZE);
    PUT_ALL(o, times, k);
    member_string(o, "state", text_of(state));
    member_string(o, "tcb_status", text_of(dcap_status_name(k->status)));
    PUT_ALL(o, tcb, k);
    member_hex_bytes(o, "fmspc", k->platform.fmspc, 6);
    member_hex(o, "platform_id", &k->platform_id);
    member_number(o, "pck_until", k->platform.pck_until);
    if (k->role == ROLE_KEYSTORE) {
        member_hex(o, "transport_key", &k->transport_key);
        member_hex(o, "master_check", &k->master_check);
    }
    put_close(o, '}');
}

// --- images

#define G(kind, name, member) JSON_MEMBER(kind, name, struct image, member)

static const char *kind_name(const struct image *g) {
    static const char *const names[] = {"exact", "compose", "rtmr3"};
    return names[g->kind];
}

static void put_image_head(struct out *o, const struct image *g) {
    static const struct json_member head[] = {G(U32, "image_id", id), G(TEXT, "name", name),
                                              G(U64, "active_from", active_from), G(U64, "expires_at", expires_at)};
    PUT_ALL(o, head, g);
    member_string(o, "role", text_of(role_names[g->role]));
    member_string(o, "kind", text_of(kind_name(g)));
    if (g->kind == IMAGE_COMPOSE)
        member_hex(o, "compose_hash", &g->compose_hash);
    else
        member_hex_bytes(o, "rtmr3", g->rtmr3, REGISTER_SIZE);
}

void log_image(const char *event, const struct image *g) {
    struct out *o = event_open(event);
    put_image_head(o, g);
    if (g->kind != IMAGE_RTMR3)
        member_hex_bytes(o, "mrtd", g->mrtd, REGISTER_SIZE);
    event_emit(o);
}

void put_image(struct out *o, const struct image *g) {
    put_open(o, '{');
    put_image_head(o, g);
    if (g->kind != IMAGE_RTMR3) {
        member_hex_bytes(o, "mrtd", g->mrtd, REGISTER_SIZE);
        member_open(o, "rtmr0", '[');
        for (unsigned i = 0; i < g->shapes; i++)
            put_hex_bytes(o, g->rtmr0[i], REGISTER_SIZE);
        put_close(o, ']');
        member_hex_bytes(o, "rtmr1", g->rtmr1, REGISTER_SIZE);
        member_hex_bytes(o, "rtmr2", g->rtmr2, REGISTER_SIZE);
    }
    if (g->provider.given)
        member_hex(o, "key_provider", &g->provider.value);
    put_close(o, '}');
}
