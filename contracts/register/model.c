// SPDX-License-Identifier: Apache-2.0
#include "model.h"

static const struct text state_key = {"STATE", 5}, challenge_key = {"CHALLENGE", 9}, images_key = {"IMAGES", 6},
                         registrars_key = {"REGISTRARS", 10};
const char role_words[] = "worker\0keystore";

uint64_t now_s(void) { return now_ns() / SECOND_NS; }

struct rec_out record;

// Never inlined: what it sets takes more code than a call.
[[gnu::noinline]] struct rec_out *record_begin(void) {
    static uint8_t bytes[POLICY_PLATFORMS_MAX * HASH_SIZE]; // the longest
    record = REC_OUT(bytes);
    return &record;
}

bool hex_take(uint8_t *to, struct text t, size_t n) {
    return dcap_hex_decode(to, (struct bytes){(const uint8_t *)t.ptr, t.len}, n);
}

// --- the layouts

#define S(kind, member) REC_##kind(struct state, member)
static const struct rec_field state_fields[] = {
    S(WHO, owner),          S(WHO, next_owner),         S(WHO, first_registrar),  S(WHO, main),
    S(RAW, min_tcb_eval),   S(RAW, min_qe_eval),        S(RAW, key_age_s),        S(RAW, grace_s),
    S(RAW, image_delay_s),  S(RAW, next_image_delay_s), S(RAW, image_delay_from), S(NUMBER, allowance),
    S(RAW, accept),         S(RAW, allow_plain),        S(RAW, allow_rtmr3_only), S(RAW, has_registrars),
    S(RAW, has_advisories), S(RAW, has_platforms),      S(RAW, next_image),       S(RAW, trust.root_key),
    S(RAW, trust.count),    S(RAW, trust.next),         S(RAW, trust.issuer),
};
static const struct rec_shape state_shape = REC_SHAPE(state_fields);

#define G(kind, member) REC_##kind(struct image, member)
static const struct rec_field image_fields[] = {
    G(RAW, id),
    G(RAW, role),
    G(RAW, kind),
    G(RAW, active_from),
    G(RAW, expires_at),
    G(STRING, name),
    G(RAW, mrtd),
    G(RAW, rtmr1),
    G(RAW, rtmr2),
    G(RAW, shapes),
    G(RAW, rtmr3),
    G(RAW, compose_hash),
    REC_FLAG(struct image, provider.given, 1),
    G(RAW, provider.value),
};
static const struct rec_shape image_shape = REC_SHAPE(image_fields);

// Each has its fixed length, so that renewing changes no stake.
#define K(kind, member) REC_##kind(struct key_record, member)
static const struct rec_field key_fields[] = {
    K(RAW, key),           K(RAW, role),         K(RAW, image),         K(RAW, registered_at),
    K(RAW, renewed_at),    K(RAW, valid_until),  K(RAW, failing_since), K(RAW, rtmr3),
    K(RAW, platform),      K(RAW, platform_id),  K(RAW, status),        K(RAW, tcb_date),
    K(RAW, tcb_eval),      K(WHO, payer),        K(RAW, paid_bytes),    REC_FLAG(struct key_record, role, 2),
    K(RAW, transport_key), K(RAW, master_check),
};
static const struct rec_shape key_shape = REC_SHAPE(key_fields);

// false: nothing is stored there. Texts point into a buffer that the next record overwrites.
static bool load(struct text key, const struct rec_shape *shape, void *to, struct rec_in *rest) {
    static uint8_t bytes[1280];
    size_t len;
    if (!store_get(key, bytes, sizeof bytes, &len))
        return false;
    *rest = (struct rec_in){bytes, bytes + len};
    rec_take_version(rest, STATE_VERSION);
    rec_take_shape(rest, shape, to);
    return true;
}

static struct rec_out *put(const struct rec_shape *shape, const void *from) {
    struct rec_out *r = record_begin();
    rec_put_u8(r, STATE_VERSION);
    rec_put_shape(r, shape, from);
    return r;
}

// --- state

bool state_exists(void) { return store_has(state_key); }

struct state *state_blank(void) {
    static struct state s;
    s = (struct state){0};
    return &s;
}

struct state *state_load(void) {
    struct rec_in rest;
    struct state *s = state_blank();
    require(load(state_key, &state_shape, s, &rest), "The contract is not initialized");
    return s;
}

void state_save(const struct state *s) {
    struct rec_out *r = put(&state_shape, s);
    store_put(state_key, REC_TEXT(*r));
}

uint32_t image_delay(const struct state *s) {
    return now_s() >= s->image_delay_from ? s->next_image_delay_s : s->image_delay_s;
}

struct state *owner_state(void) {
    struct state *s = state_load();
    struct account from = caller();
    require(account_eq(&from, &s->owner), "Only owner can call this method");
    return s;
}

// --- who may register

void registrars_load(struct registrars *all) {
    size_t len = 0;
    store_get(registrars_key, all->account, sizeof all->account, &len);
    all->count = (uint32_t)(len / sizeof all->account[0]);
}

void registrars_save(const struct registrars *all) {
    store_put(registrars_key, (struct text){(const char *)all->account, all->count * sizeof all->account[0]});
}

uint32_t registrar_find(const struct registrars *all, const struct account *a) {
    uint32_t i = 0;
    while (i < all->count && !account_eq(&all->account[i], a))
        i++;
    return i;
}

bool has_registrars(const struct state *s) { return s->first_registrar.len || s->has_registrars; }

bool is_registrar(const struct state *s, const struct account *a) {
    struct registrars all = {.count = 0};
    if (s->first_registrar.len && account_eq(a, &s->first_registrar))
        return true;
    if (s->has_registrars)
        registrars_load(&all);
    return registrar_find(&all, a) < all.count;
}

// --- challenges

struct challenges challenges_load(void) {
    struct challenges c = {0};
    size_t len;
    store_get(challenge_key, &c, sizeof c, &len);
    return c;
}

void challenges_save(const struct challenges *c) {
    store_put(challenge_key, (struct text){(const char *)c, sizeof *c});
}

// --- images

struct image_key {
    uint8_t b[1 + HASH_SIZE];
};

// What an image is found by: the hash of what it asks for, with one of its shapes.
static struct image_key name_key(const struct image *g, unsigned shape) {
    struct image_key k = {{'x'}};
    struct rec_out *r = record_begin();
    rec_put_u8(r, g->role);
    rec_put_u8(r, g->kind);
    if (g->kind != IMAGE_RTMR3) {
        rec_put_bytes(r, g->mrtd, REGISTER_SIZE);
        rec_put_bytes(r, g->rtmr0[shape], REGISTER_SIZE);
        rec_put_bytes(r, g->rtmr1, REGISTER_SIZE);
        rec_put_bytes(r, g->rtmr2, REGISTER_SIZE);
    }
    if (g->kind == IMAGE_COMPOSE)
        rec_put_hash(r, &g->compose_hash);
    else
        rec_put_bytes(r, g->rtmr3, REGISTER_SIZE);
    struct hash h = sha256_of(REC_TEXT(*r));
    memcpy(k.b + 1, h.b, sizeof h.b);
    return k;
}

bool image_find(const struct image *wanted, unsigned shape, uint32_t *id) {
    struct image_key k = name_key(wanted, shape);
    size_t len;
    return store_get(KEY_TEXT(k), id, sizeof *id, &len);
}

bool image_load(uint32_t id, struct image *g) {
    struct key k = key_of('g', id);
    struct rec_in rest;
    *g = (struct image){0};
    if (!load(KEY_TEXT(k), &image_shape, g, &rest))
        return false;
    size_t len = (size_t)(rest.end - rest.p);
    require(g->shapes <= IMAGE_SHAPES_MAX && len == (size_t)g->shapes * REGISTER_SIZE, "A stored record is damaged");
    memcpy(g->rtmr0, rest.p, len);
    return true;
}

bool image_counts(uint32_t id) {
    struct image g;
    return image_load(id, &g) && (!g.expires_at || now_s() <= g.expires_at);
}

void images_load(struct image_ids *all) {
    size_t len = 0;
    store_get(images_key, all->id, sizeof all->id, &len);
    all->count = (uint32_t)(len / sizeof all->id[0]);
}

static void images_save(const struct image_ids *all) {
    store_put(images_key, (struct text){(const char *)all->id, all->count * sizeof all->id[0]});
}

void image_save(const struct image *g) {
    struct key k = key_of('g', g->id);
    struct image_ids all;
    images_load(&all);
    require(all.count < IMAGES_MAX, "There are 128 approved images already");
    all.id[all.count++] = g->id;
    images_save(&all);
    struct rec_out *r = put(&image_shape, g);
    rec_put_bytes(r, g->rtmr0, (size_t)g->shapes * REGISTER_SIZE);
    store_put(KEY_TEXT(k), REC_TEXT(*r));
    for (unsigned i = 0; i < g->shapes; i++) {
        struct image_key n = name_key(g, i);
        store_put(KEY_TEXT(n), (struct text){(const char *)&g->id, sizeof g->id});
    }
}

void image_remove(const struct image *g) {
    struct key k = key_of('g', g->id);
    struct image_ids all;
    images_load(&all);
    for (uint32_t i = 0; i < all.count; i++)
        if (all.id[i] == g->id)
            all.id[i--] = all.id[--all.count];
    images_save(&all);
    for (unsigned i = 0; i < g->shapes; i++) {
        struct image_key n = name_key(g, i);
        store_remove(KEY_TEXT(n));
    }
    store_remove(KEY_TEXT(k));
}

// --- keys

struct place_key {
    uint8_t b[1 + PUBLIC_KEY_SIZE];
};

static struct place_key place_key(const struct public_key *key) {
    struct place_key k = {{'n'}};
    memcpy(k.b + 1, key->b, sizeof key->b);
    return k;
}

static const char letters[ROLES] = {'w', 's'};

static struct text count_key(enum role role) { return (struct text){&letters[role], 1}; }

struct key_place key_find(const struct public_key *key) {
    struct place_key k = place_key(key);
    struct key_place at = {0};
    size_t len;
    store_get(KEY_TEXT(k), &at, sizeof at, &len);
    return at;
}

static void place_save(const struct public_key *key, struct key_place at) {
    struct place_key k = place_key(key);
    store_put(KEY_TEXT(k), (struct text){(const char *)&at, sizeof at});
}

uint32_t keys_count(enum role role) {
    uint32_t count = 0;
    size_t len;
    store_get(count_key(role), &count, sizeof count, &len);
    return count;
}

static void count_save(enum role role, uint32_t count) {
    if (count)
        store_put(count_key(role), (struct text){(const char *)&count, sizeof count});
    else
        store_remove(count_key(role));
}

struct key_record *key_blank(void) {
    static struct key_record k;
    k = (struct key_record){0};
    return &k;
}

struct key_record *key_load(enum role role, uint32_t number) {
    struct key at = key_of(letters[role], number);
    struct rec_in rest;
    struct key_record *k = key_blank();
    require(load(KEY_TEXT(at), &key_shape, k, &rest), "A stored record is damaged");
    return k;
}

void key_save(struct key_place place, const struct key_record *k) {
    struct key at = key_of(letters[place.role], place.number);
    struct rec_out *r = put(&key_shape, k);
    store_put(KEY_TEXT(at), REC_TEXT(*r));
}

struct key_place key_append(const struct key_record *k) {
    struct key_place at = {PLACE_THERE, k->role, 0, keys_count(k->role)};
    key_save(at, k);
    count_save(k->role, at.number + 1);
    place_save(&k->key, at);
    return at;
}

void key_bury(struct key_place at, const struct public_key *key) {
    uint32_t last = keys_count(at.role) - 1;
    struct key end = key_of(letters[at.role], last);
    place_save(key, (struct key_place){.kind = PLACE_REMOVED, .role = at.role});
    if (at.number != last) {
        // As it is stored; behind the version stands the key. The one that is buried stays loaded.
        uint8_t bytes[512];
        struct key to = key_of(letters[at.role], at.number);
        struct public_key moved;
        size_t len;
        require(store_get(KEY_TEXT(end), bytes, sizeof bytes, &len), "A stored record is damaged");
        store_put(KEY_TEXT(to), (struct text){(const char *)bytes, len});
        memcpy(moved.b, bytes + 1, sizeof moved.b);
        place_save(&moved, at);
    }
    store_remove(KEY_TEXT(end));
    count_save(at.role, last);
}
