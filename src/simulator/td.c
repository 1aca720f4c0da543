// SPDX-License-Identifier: Apache-2.0
#include "simulator/td.h"

#include "base/buf.h"
#include "base/text.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/hpke.h"
#include "crypto/keccak.h"
#include "simulator/k256.h"
#include <openssl/sha.h>

#define RUNTIME_EVENT 0x08000001u
#define CERTIFICATES_SINCE 1704067200 // 2024-01-01
#define CERTIFICATES_UNTIL 2493072000 // 2049-01-01
#define DAY (24 * 3600)

// --- the registers

// The bytes that an event's digest is of: V1, or V2's canonical JSON.
static void put_preimage(struct buf *b, struct arena *a, bool v2, const char *name, struct slice payload) {
    static const uint8_t type[4] = {RUNTIME_EVENT & 0xff, 0, 0, RUNTIME_EVENT >> 24};
    if (!v2) {
        buf_add(b, type, sizeof type);
        buf_printf(b, ":%s:", name);
        buf_add_slice(b, payload);
        return;
    }
    json_t *text = json_of_bytes(name);
    char *quoted = json_dumps(text, JSON_ENCODE_ANY);
    buf_printf(b, "{\"name\":%s,\"payload\":\"%s\",\"type\":%u}", quoted, hex_text(a, payload), RUNTIME_EVENT);
    free(quoted);
    json_decref(text);
}

static void extend(struct td *t, unsigned imr, uint32_t type, const char *name, struct slice payload,
                   struct slice preimage) {
    BUG_ON(t->event_count >= TD_EVENTS_MAX);
    struct td_event *e = &t->events[t->event_count++];
    uint8_t both[96];
    *e = (struct td_event){
        .imr = imr, .type = type, .name = arena_strdup(t->arena, name), .payload = arena_copy(t->arena, payload)};
    SHA384(preimage.ptr, preimage.len, e->digest);
    memcpy(both, t->rtmr[imr], 48);
    memcpy(both + 48, e->digest, 48);
    SHA384(both, sizeof both, t->rtmr[imr]);
}

static void measure(struct td *t, const char *name, struct slice payload) {
    SCOPED_BUF(b, 4 * TD_EVENT_PAYLOAD_MAX);
    SCOPED_ARENA(a);
    put_preimage(&b, a, t->version >= 600, name, payload);
    BUG_ON(b.full);
    extend(t, 3, RUNTIME_EVENT, name, payload, buf_slice(&b));
}

// What firmware and kernel measure: two events a register, made of the image's name.
static void boot_image(struct td *t) {
    static const struct {
        unsigned imr;
        uint32_t type;
        const char *what;
    } rows[] = {{0, 0x8000000b, "virtual hardware"}, {0, 0x80000001, "secure boot"}, {1, 0x80000003, "kernel"},
                {1, 0x80000007, "boot services"},    {2, 6, "command line"},         {2, 6, "initrd"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *text = arena_printf(t->arena, "%s: %s", t->config.image, rows[i].what);
        extend(t, rows[i].imr, rows[i].type, "", slice_str(rows[i].what), slice_str(text));
    }
}

// RTMR3 as this version of dstack measures its application.
static void boot_application(struct td *t) {
    const struct slice none = {0}, app = slice_of(t->app_id, sizeof t->app_id), compose = hash_slice(&t->compose_hash),
                       instance = slice_of(t->instance_id, t->has_instance ? sizeof t->instance_id : 0);
    struct hash image = sha256(slice_str(t->config.image));
    if (t->version < 400)
        measure(t, "rootfs-hash", hash_slice(&image));
    else
        measure(t, "system-preparing", none);
    measure(t, "app-id", app);
    measure(t, "compose-hash", compose);
    if (t->version < 400)
        measure(t, "ca-cert-hash", hash_slice(&image));
    measure(t, "instance-id", instance);
    if (t->version < 400)
        return;
    measure(t, "boot-mr-done", none);
    measure(t, "key-provider", slice_str(t->config.key_provider));
    if (t->version >= 505)
        measure(t, "storage-fs", SLICE_LIT("ext4"));
    measure(t, "system-ready", none);
}

// --- who it is

// MRCONFIGID, as the versions of dstack have it.
static void config_id(struct td *t) {
    struct hash h = t->compose_hash;
    if (t->version >= 600) {
        struct sha256 s;
        sha256_init(&s);
        sha256_add(&s, SLICE_LIT("dstack-mr-config-v3:\0")); // the NUL is part of it
        sha256_add(&s,
                   slice_str(arena_printf(t->arena, "{\"compose_hash\":\"%s\",\"key_provider\":\"%s\",\"version\":3}",
                                          hex_text(t->arena, hash_slice(&h)), t->provider)));
        h = sha256_end(&s);
    }
    if (t->version <= 500)
        return;
    t->config_id[0] = t->version >= 600 ? 3 : 1;
    memcpy(t->config_id + 1, h.b, sizeof h.b);
}

// The key service derives the application's key from its id and signs it.
static bool keys(struct td *t, struct err *e) {
    uint8_t info[27], public_key[33], digest[32];
    SCOPED_BUF(b, 256);
    pki_bytes(t->kms_key, 32, t->config.seed, "key service");
    memcpy(info, t->app_id, 20);
    memcpy(info + 20, "app-key", 7);
    hkdf_sha256(t->app_key, 32, SLICE_LIT("RATLS"), slice_of(t->kms_key, 32), slice_of(info, sizeof info));
    if (!k256_public(public_key, t->app_key))
        return err_set(e, ERR_SETTINGS, "the seed gives no key: take another one");
    buf_add_str(&b, "dstack-kms-issued:");
    buf_add(&b, t->app_id, sizeof t->app_id);
    buf_add(&b, public_key, sizeof public_key);
    keccak(buf_slice(&b), digest, 32);
    return k256_sign(t->kms_signature, t->kms_key, digest) ||
           err_set(e, ERR_SETTINGS, "the seed gives no key: take another one");
}

static bool read_compose(struct td *t, struct err *e) {
    const char *name = "";
    bool none = false;
    SCOPED_JSON(j) = json_parse(t->config.compose, TD_COMPOSE_MAX, e);
    if (!j || !json_opt_text(j, "name", &name, e) || !json_opt_bool(j, "no_instance_id", &none, e))
        return err_wrap(e, "APP_COMPOSE");
    t->app_name = arena_strdup(t->arena, name);
    SCOPED_JSON(provider) = json_parse(slice_str(t->config.key_provider), TD_COMPOSE_MAX, e);
    if (!provider || !json_get_text(provider, "name", &t->provider, e))
        return err_wrap(e, "KEY_PROVIDER");
    t->provider = arena_strdup(t->arena, t->provider);
    t->compose_hash = sha256(t->config.compose);
    memcpy(t->app_id, t->compose_hash.b, sizeof t->app_id);
    t->has_instance = !none;
    pki_bytes(t->instance_id, sizeof t->instance_id, t->config.platform, "instance");
    return true;
}

static bool read_version(struct td *t, struct err *e) {
    unsigned parts[3] = {0};
    const char *p = t->config.version;
    for (int i = 0; i < 3; i++) {
        char *end;
        unsigned long n = strtoul(p, &end, 10);
        if (end == p || n > 99 || *end != (i < 2 ? '.' : 0)) {
            err_set(e, ERR_SETTINGS, "DSTACK_VERSION '%s' is no version of dstack", t->config.version);
            return err_hint(e, "0.3.6, 0.5.8 and 0.6.0 are three that differ");
        }
        parts[i] = (unsigned)n;
        p = end + 1;
    }
    t->version = parts[0] * 10000 + parts[1] * 100 + parts[2];
    return true;
}

void td_world(struct pki_world *w, const struct td_config *c, int64_t now) {
    pki_world_init(w, PKI_TDX_V4, c->seed, c->platform, now - now % DAY);
    struct pki_cert *all[] = {&w->root, &w->platform_ca, &w->processor_ca, &w->tcb_signer, &w->leaf};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        all[i]->not_before = CERTIFICATES_SINCE;
        all[i]->not_after = CERTIFICATES_UNTIL;
    }
}

static bool quote_kind(enum pki_kind *out, const char *format, struct err *e) {
    static const struct {
        const char *name;
        enum pki_kind kind;
    } rows[] = {{"v4", PKI_TDX_V4}, {"v5", PKI_TDX_V5}, {"v5-1.5", PKI_TDX15_V5}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, format) == 0) {
            *out = rows[i].kind;
            return true;
        }
    }
    return err_set(e, ERR_SETTINGS, "QUOTE_FORMAT '%s' is none of v4, v5 and v5-1.5", format);
}

static bool make_world(struct td *t, struct err *e) {
    enum pki_kind kind = PKI_TDX_V4;
    struct pki_world *other;
    if (!quote_kind(&kind, t->config.quote_format, e))
        return false;
    td_world(&t->world, &t->config, t->config.now);
    // The quote's own form; certificates stay as they are.
    other = xcalloc(1, sizeof *other);
    pki_world_init(other, kind, t->config.seed, t->config.platform, t->config.now);
    t->world.quote = other->quote;
    free(other);
    t->world.quote.key = arena_printf(t->arena, "%s: attestation key", t->config.platform);
    const char *firmware = arena_printf(t->arena, "%s: firmware", t->config.image);
    SHA384((const uint8_t *)firmware, strlen(firmware), t->world.quote.body + PKI_MRTD);
    memcpy(t->world.quote.body + PKI_MRCONFIGID, t->config_id, 48);
    return true;
}

bool td_start(struct td *t, const struct td_config *c, struct err *e) {
    *t = (struct td){.config = *c, .arena = arena_new()};
    pthread_mutex_init(&t->lock, NULL);
    if (!read_version(t, e) || !read_compose(t, e) || !keys(t, e))
        return false;
    config_id(t);
    boot_image(t);
    boot_application(t);
    return make_world(t, e);
}

void td_end(struct td *t) {
    if (!t->arena)
        return;
    pthread_mutex_destroy(&t->lock);
    arena_free(t->arena);
}

// --- what it gives

struct slice td_quote(struct td *t, struct arena *a, const uint8_t report_data[64]) {
    struct pki_made m = {0};
    pthread_mutex_lock(&t->lock);
    memcpy(t->world.quote.body + PKI_RTMR0, t->rtmr, sizeof t->rtmr);
    memcpy(t->world.quote.body + PKI_TD_REPORT_DATA, report_data, 64);
    pki_quote_make(&m, a, &t->world);
    pthread_mutex_unlock(&t->lock);
    return m.quote;
}

bool td_emit(struct td *t, const char *name, struct slice payload, struct err *e) {
    if (!*name || strlen(name) > TD_EVENT_NAME_MAX)
        return err_set(e, ERR_INVALID, "the event's name has 1 to %d bytes", TD_EVENT_NAME_MAX);
    if (payload.len > TD_EVENT_PAYLOAD_MAX)
        return err_set(e, ERR_INVALID, "the event's payload is longer than %u bytes", TD_EVENT_PAYLOAD_MAX);
    pthread_mutex_lock(&t->lock);
    bool room = t->event_count < TD_EVENTS_MAX;
    if (room)
        measure(t, name, payload);
    pthread_mutex_unlock(&t->lock);
    return room || err_set(e, ERR_LIMIT, "the simulator keeps no more than %d events", TD_EVENTS_MAX);
}

struct hash td_aggregated(const struct td *t, const uint8_t registers[4][48]) {
    static const uint8_t none[48];
    struct sha256 s;
    sha256_init(&s);
    sha256_add(&s, slice_of(t->world.quote.body + PKI_MRTD, 48));
    sha256_add(&s, slice_of(registers, 4 * 48));
    if (memcmp(t->config_id, none, sizeof none) != 0)
        sha256_add(&s, slice_of(t->world.quote.body + PKI_MRCONFIGID, 3 * 48));
    return sha256_end(&s);
}

static json_t *event_json(const struct td *t, struct arena *a, const struct td_event *e) {
    json_t *o = json_object();
    json_object_set_new(o, "imr", json_integer(e->imr));
    json_object_set_new(o, "event_type", json_integer(e->type));
    json_set_text(o, "digest", hex_text(a, slice_of(e->digest, 48)));
    json_set_text(o, "event", e->name);
    json_set_text(o, "event_payload", hex_text(a, e->payload));
    if (t->version >= 600 && e->imr == 3) {
        SCOPED_BUF(b, 4 * TD_EVENT_PAYLOAD_MAX);
        put_preimage(&b, a, true, e->name, e->payload);
        json_object_set_new(o, "version", json_integer(2));
        json_set_text(o, "preimage", hex_text(a, buf_slice(&b)));
    }
    return o;
}

json_t *td_log(struct td *t, struct arena *a, uint8_t registers[4][48]) {
    json_t *list = json_array();
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->event_count; i++)
        json_array_append_new(list, event_json(t, a, &t->events[i]));
    if (registers)
        memcpy(registers, t->rtmr, sizeof t->rtmr);
    pthread_mutex_unlock(&t->lock);
    return list;
}
