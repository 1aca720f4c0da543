// SPDX-License-Identifier: Apache-2.0
// The guest agent: /GetQuote and the like, of 0.5 and later, and /prpc/Tappd.TdxQuote and the like, of 0.3 and 0.4.
#include "simulator/agent.h"

#include "base/sync.h"
#include "codec/hex.h"
#include "crypto/keccak.h"
#include "simulator/certificate.h"
#include "simulator/k256.h"
#include <openssl/evp.h>
#include <sodium.h>

#define BODY_MAX (256u << 10)
#define REPORT_DATA 64

// --- arguments: JSON, or the query where the method is asked for by GET

static bool arg_text(const struct agent_call *c, const char *name, const char **out, struct err *e) {
    *out = "";
    if (!c->body) {
        const char *q = http_query(c->request, name);
        *out = q ? q : "";
        return true;
    }
    return json_opt_text(c->body, name, out, e);
}

static bool arg_hex(const struct agent_call *c, const char *name, struct slice *out, struct err *e) {
    const char *text = "";
    return arg_text(c, name, &text, e) &&
           (hex_decode(out, http_arena(c->request), slice_str(text), e) || err_wrap(e, "field '%s'", name));
}

static bool arg_flag(const struct agent_call *c, const char *name, bool *out, struct err *e) {
    *out = false;
    return !c->body || json_opt_bool(c->body, name, out, e);
}

static json_t *hex_of(const struct agent_call *c, const void *bytes, size_t n) {
    return json_string(hex_text(http_arena(c->request), slice_of(bytes, n)));
}

// JSON as text inside of JSON, as dstack has it.
static json_t *text_of(json_t *j) {
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    json_t *out = json_string(text);
    free(text);
    return out;
}

// --- quotes

// One at a time; *ok is false when another is under way, or the simulator ends.
static bool take_time(struct sim *s, uint64_t ms) {
    uint64_t end = deadline_in(ms);
    pthread_mutex_lock(&s->lock);
    bool free_ = !s->quoting && !s->stopping;
    s->quoting = s->quoting || free_;
    while (free_ && !s->stopping && cond_wait_until(&s->changed, &s->lock, end))
        ;
    pthread_mutex_unlock(&s->lock);
    return free_;
}

static void let_others(struct sim *s) {
    pthread_mutex_lock(&s->lock);
    s->quoting = false;
    pthread_mutex_unlock(&s->lock);
}

// NULL: the request has been answered.
static const uint8_t *quote_for(struct agent_call *c, const uint8_t report_data[REPORT_DATA], struct slice *quote) {
    if (sim_misbehave(c->sim, c->request, c->control.quote))
        return NULL;
    if (!take_time(c->sim, c->control.quote_ms)) {
        (void)sim_misbehave(c->sim, c->request, SIM_BUSY);
        return NULL;
    }
    uint8_t *data = arena_alloc(http_arena(c->request), REPORT_DATA);
    memcpy(data, report_data, REPORT_DATA);
    data[REPORT_DATA - 1] ^= c->control.quote == SIM_LYING;
    *quote = td_quote(&c->sim->td, http_arena(c->request), data);
    let_others(c->sim);
    return data;
}

static const char *vm_config(const struct agent_call *c) {
    char hex[65];
    struct hash image = sha256(slice_str(c->sim->td.config.image));
    return arena_printf(http_arena(c->request), "{\"os_image_hash\":\"%s\",\"cpu_count\":2,\"memory_size\":4294967296}",
                        hash_hex(&image, hex));
}

static void get_quote(struct agent_call *c) {
    struct err e;
    struct slice given, quote;
    uint8_t report_data[REPORT_DATA] = {0};
    if (!arg_hex(c, "report_data", &given, &e)) {
        sim_reply_error(c->request, 400, e.msg);
        return;
    }
    if (given.len > REPORT_DATA) {
        sim_reply_error(c->request, 400, "Report data is too long");
        return;
    }
    if (given.len)
        memcpy(report_data, given.ptr, given.len);
    const uint8_t *said = quote_for(c, report_data, &quote);
    if (!said)
        return;
    json_t *o = json_object();
    json_object_set_new(o, "quote", hex_of(c, quote.ptr, quote.len));
    json_object_set_new(o, "event_log", text_of(td_log(&c->sim->td, http_arena(c->request), NULL)));
    json_object_set_new(o, "report_data", hex_of(c, report_data, REPORT_DATA));
    json_set_text(o, "vm_config", vm_config(c));
    if (c->sim->td.version >= 600)
        json_set_text(o, "attestation", "");
    sim_reply(c->request, 200, o);
}

// SHA-2, SHA-3 and Keccak of "PREFIX:DATA", at the left of the 64 bytes; raw takes the bytes as they are.
static bool digest(uint8_t out[REPORT_DATA], const char *algorithm, struct slice text) {
    static const char *const known[] = {"sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"};
    if (strcmp(algorithm, "keccak256") == 0 || strcmp(algorithm, "keccak512") == 0) {
        keccak(text, out, algorithm[6] == '2' ? 32 : 64);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(algorithm, known[i]) == 0)
            return EVP_Digest(text.ptr, text.len, out, NULL, EVP_get_digestbyname(algorithm), NULL) == 1;
    return false;
}

static bool old_report_data(const struct agent_call *c, uint8_t out[REPORT_DATA], const char *algorithm,
                            const char *prefix, struct err *e) {
    struct slice given;
    memset(out, 0, REPORT_DATA);
    if (!arg_hex(c, "report_data", &given, e))
        return false;
    if (strcmp(algorithm, "raw") == 0) {
        if (given.len != REPORT_DATA)
            return err_set(e, ERR_INVALID, "report_data has 64 bytes where the algorithm is raw");
        memcpy(out, given.ptr, REPORT_DATA);
        return true;
    }
    SCOPED_BUF(b, BODY_MAX);
    buf_printf(&b, "%s:", prefix);
    buf_add_slice(&b, given);
    return digest(out, algorithm, buf_slice(&b)) ||
           err_set(e, ERR_INVALID, "the simulator has no hash algorithm '%s'", algorithm);
}

static void old_quote(struct agent_call *c, const char *algorithm, const char *prefix) {
    struct err e;
    struct slice quote;
    uint8_t report_data[REPORT_DATA];
    if (!old_report_data(c, report_data, algorithm, prefix, &e)) {
        sim_reply_error(c->request, 400, e.msg);
        return;
    }
    if (!quote_for(c, report_data, &quote))
        return;
    json_t *o = json_object();
    json_object_set_new(o, "quote", hex_of(c, quote.ptr, quote.len));
    json_object_set_new(o, "event_log", text_of(td_log(&c->sim->td, http_arena(c->request), NULL)));
    json_set_text(o, "hash_algorithm", algorithm);
    json_set_text(o, "prefix", strcmp(algorithm, "raw") == 0 ? "" : prefix);
    sim_reply(c->request, 200, o);
}

static void tdx_quote(struct agent_call *c) {
    struct err e;
    const char *algorithm, *prefix;
    if (!arg_text(c, "hash_algorithm", &algorithm, &e) || !arg_text(c, "prefix", &prefix, &e))
        sim_reply_error(c->request, 400, e.msg);
    else
        old_quote(c, *algorithm ? algorithm : "sha512", *prefix ? prefix : "app-data");
}

static void raw_quote(struct agent_call *c) { old_quote(c, "raw", ""); }

// --- what it is

// tcb_info, and the hash of all registers in *aggregated.
static json_t *tcb_info(struct agent_call *c, struct hash *aggregated) {
    struct arena *a = http_arena(c->request);
    struct td *t = &c->sim->td;
    uint8_t registers[4][48];
    struct hash image = sha256(slice_str(t->config.image)), device = sha256(slice_str(t->config.platform));
    json_t *o = json_object(), *log = td_log(t, a, registers);
    *aggregated = td_aggregated(t, registers);
    json_object_set_new(o, "mrtd", hex_of(c, t->world.quote.body + PKI_MRTD, 48));
    for (int i = 0; i < 4; i++)
        json_object_set_new(o, arena_printf(a, "rtmr%d", i), hex_of(c, registers[i], 48));
    json_object_set_new(o, "mr_aggregated", hex_of(c, aggregated->b, 32));
    json_object_set_new(o, t->version < 500 ? "rootfs_hash" : "os_image_hash", hex_of(c, image.b, 32));
    json_object_set_new(o, "compose_hash", hex_of(c, t->compose_hash.b, 32));
    json_object_set_new(o, "device_id", hex_of(c, device.b, 32));
    json_object_set_new(o, "app_compose", json_stringn((const char *)t->config.compose.ptr, t->config.compose.len));
    json_object_set_new(o, "event_log", log);
    return o;
}

static void info(struct agent_call *c) {
    struct td *t = &c->sim->td;
    json_t *o = json_object();
    struct hash image = sha256(slice_str(t->config.image)), device = sha256(slice_str(t->config.platform)), aggregated;
    json_object_set_new(o, "app_id", hex_of(c, t->app_id, sizeof t->app_id));
    json_object_set_new(o, "instance_id", hex_of(c, t->instance_id, t->has_instance ? sizeof t->instance_id : 0));
    json_set_text(o, "app_cert", "");
    json_object_set_new(o, "tcb_info", text_of(tcb_info(c, &aggregated)));
    json_set_text(o, "app_name", t->app_name);
    json_object_set_new(o, "device_id", hex_of(c, device.b, 32));
    json_object_set_new(o, "mr_aggregated", hex_of(c, aggregated.b, 32));
    json_object_set_new(o, "os_image_hash", hex_of(c, image.b, 32));
    json_object_set_new(o, "compose_hash", hex_of(c, t->compose_hash.b, 32));
    json_set_text(o, "key_provider_info", t->config.key_provider);
    json_set_text(o, "vm_config", vm_config(c));
    sim_reply(c->request, 200, o);
}

static void version(struct agent_call *c) {
    json_t *o = json_object();
    json_set_text(o, "version", c->sim->td.config.version);
    json_set_text(o, "rev", "simulator");
    sim_reply(c->request, 200, o);
}

static void gpu_info(struct agent_call *c) {
    json_t *o = json_object();
    json_set_text(o, "attestation", "");
    sim_reply(c->request, 200, o);
}

static void emit_event(struct agent_call *c) {
    struct err e;
    const char *name;
    struct slice payload;
    if (!arg_text(c, "event", &name, &e) || !arg_hex(c, "payload", &payload, &e) ||
        !td_emit(&c->sim->td, name, payload, &e))
        sim_reply_error(c->request, 400, e.msg);
    else
        sim_reply(c->request, 200, json_object());
}

// --- keys

struct derived {
    uint8_t key[32], public_key[33], chain[2][65];
    size_t public_len;
};

static bool derive(const struct td *t, struct derived *out, const char *path, const char *purpose,
                   const char *algorithm, struct err *e) {
    uint8_t hash[32], secret[64];
    hkdf_sha256(out->key, 32, SLICE_LIT("RATLS"), slice_of(t->app_key, 32), slice_str(path));
    if (strcmp(algorithm, "ed25519") == 0) {
        out->public_len = 32;
        crypto_sign_seed_keypair(out->public_key, secret, out->key);
    } else if (strcmp(algorithm, "secp256k1") == 0) {
        out->public_len = 33;
        if (!k256_public(out->public_key, out->key))
            return err_set(e, ERR_INTERNAL, "this path gives no key");
    } else {
        return err_set(e, ERR_INVALID, "Unsupported algorithm");
    }
    SCOPED_ARENA(a);
    SCOPED_BUF(b, BODY_MAX);
    buf_printf(&b, "%s:%s", purpose, hex_text(a, slice_of(out->public_key, out->public_len)));
    keccak(buf_slice(&b), hash, 32);
    memcpy(out->chain[1], t->kms_signature, 65);
    return k256_sign(out->chain[0], t->app_key, hash) || err_set(e, ERR_INTERNAL, "the application has no key");
}

static const char *algorithm_of(const char *given) {
    return !*given || strcmp(given, "k256") == 0 ? "secp256k1" : given;
}

static void get_key_named(struct agent_call *c, const char *key_name, const char *chain_name) {
    struct err e;
    struct derived d;
    const char *path, *purpose, *algorithm;
    if (!arg_text(c, "path", &path, &e) || !arg_text(c, "purpose", &purpose, &e) ||
        !arg_text(c, "algorithm", &algorithm, &e) ||
        !derive(&c->sim->td, &d, path, purpose, algorithm_of(algorithm), &e)) {
        sim_reply_error(c->request, 400, e.msg);
        return;
    }
    json_t *o = json_object(), *chain = json_array();
    json_object_set_new(o, key_name, hex_of(c, d.key, 32));
    for (int i = 0; i < 2; i++)
        json_array_append_new(chain, hex_of(c, d.chain[i], 65));
    json_object_set_new(o, chain_name, chain);
    sim_reply(c->request, 200, o);
}

static void get_key(struct agent_call *c) { get_key_named(c, "key", "signature_chain"); }
static void derive_k256_key(struct agent_call *c) { get_key_named(c, "k256_key", "k256_signature_chain"); }

// What is signed: the data's SHA-256, or the 32 bytes that the caller has hashed.
static bool message_digest(uint8_t out[32], const char *algorithm, struct slice data, struct err *e) {
    if (strcmp(algorithm, "secp256k1_prehashed") != 0) {
        struct hash h = sha256(data);
        memcpy(out, h.b, 32);
        return true;
    }
    if (data.len != 32)
        return err_set(e, ERR_INVALID, "Pre-hashed signing requires a 32-byte digest, but received %zu bytes",
                       data.len);
    memcpy(out, data.ptr, 32);
    return true;
}

static bool sign_data(struct agent_call *c, struct derived *d, uint8_t signature[65], struct err *e) {
    const char *given;
    struct slice data;
    uint8_t hash[32], secret[64], public_key[32];
    if (!arg_text(c, "algorithm", &given, e) || !arg_hex(c, "data", &data, e))
        return false;
    const char *algorithm = algorithm_of(given);
    bool prehashed = strcmp(algorithm, "secp256k1_prehashed") == 0, edwards = strcmp(algorithm, "ed25519") == 0;
    if (!derive(&c->sim->td, d, "vms", "signing", prehashed ? "secp256k1" : algorithm, e))
        return false;
    if (edwards) {
        crypto_sign_seed_keypair(public_key, secret, d->key);
        return crypto_sign_detached(signature, NULL, data.ptr, data.len, secret) == 0;
    }
    return message_digest(hash, algorithm, data, e) &&
           (k256_sign(signature, d->key, hash) || err_set(e, ERR_INTERNAL, "this key signs nothing"));
}

static void sign(struct agent_call *c) {
    struct err e = {0};
    struct derived d;
    uint8_t signature[65];
    if (!sign_data(c, &d, signature, &e)) {
        sim_reply_error(c->request, 400, e.msg);
        return;
    }
    json_t *o = json_object(), *chain = json_array();
    json_object_set_new(o, "signature", hex_of(c, signature, 64));
    json_array_append_new(chain, hex_of(c, signature, 64));
    for (int i = 0; i < 2; i++)
        json_array_append_new(chain, hex_of(c, d.chain[i], 65));
    json_object_set_new(o, "signature_chain", chain);
    json_object_set_new(o, "public_key", hex_of(c, d.public_key, d.public_len));
    sim_reply(c->request, 200, o);
}

static bool verify_data(struct agent_call *c, bool *valid, struct err *e) {
    const char *given;
    struct slice data, signature, key;
    uint8_t hash[32];
    if (!arg_text(c, "algorithm", &given, e) || !arg_hex(c, "data", &data, e) ||
        !arg_hex(c, "signature", &signature, e) || !arg_hex(c, "public_key", &key, e))
        return false;
    const char *algorithm = algorithm_of(given);
    if (signature.len != 64)
        return err_set(e, ERR_INVALID, "a signature has 64 bytes");
    if (strcmp(algorithm, "ed25519") == 0) {
        if (key.len != 32)
            return err_set(e, ERR_INVALID, "invalid public key");
        *valid = crypto_sign_verify_detached(signature.ptr, data.ptr, data.len, key.ptr) == 0;
        return true;
    }
    if (strncmp(algorithm, "secp256k1", 9) != 0 || (algorithm[9] && strcmp(algorithm + 9, "_prehashed") != 0))
        return err_set(e, ERR_INVALID, "Unsupported algorithm");
    if (!message_digest(hash, algorithm, data, e))
        return false;
    *valid = k256_verify(key, hash, signature.ptr);
    return true;
}

static void verify(struct agent_call *c) {
    struct err e;
    bool valid = false;
    if (!verify_data(c, &valid, &e)) {
        sim_reply_error(c->request, 400, e.msg);
        return;
    }
    json_t *o = json_object();
    json_object_set_new(o, "valid", json_boolean(valid));
    sim_reply(c->request, 200, o);
}

// --- certificates

static bool alt_names(const struct agent_call *c, struct certificate_wish *w, struct err *e) {
    json_t *list = c->body ? json_object_get(c->body, "alt_names") : NULL;
    if (!list)
        return true;
    if (!json_is_array(list) || json_array_size(list) > CERTIFICATE_NAMES_MAX)
        return err_set(e, ERR_INVALID, "field 'alt_names' is a list of at most %d names", CERTIFICATE_NAMES_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name)
            return err_set(e, ERR_INVALID, "field 'alt_names' has something that is no text");
        w->names[w->name_count++] = name;
    }
    return true;
}

static void tls_key(struct agent_call *c, struct certificate_wish *w) {
    struct err e;
    const char *key, *chain[2];
    uint64_t now = clock_wall_ms() / 1000;
    w->not_before = now - 3600;
    w->not_after = now + (uint64_t)365 * 24 * 3600;
    if (!arg_text(c, "subject", &w->subject, &e) || !alt_names(c, w, &e) ||
        !arg_flag(c, "usage_server_auth", &w->server, &e) || !arg_flag(c, "usage_client_auth", &w->client, &e) ||
        (c->body && (!json_opt_u64(c->body, "not_before", &w->not_before, &e) ||
                     !json_opt_u64(c->body, "not_after", &w->not_after, &e))) ||
        !certificate_make(&c->sim->td, http_arena(c->request), w, &key, chain, &e)) {
        sim_reply_error(c->request, 400, e.msg);
        return;
    }
    json_t *o = json_object(), *list = json_array();
    json_set_text(o, "key", key);
    json_array_append_new(list, json_string(chain[0]));
    json_array_append_new(list, json_string(chain[1]));
    json_object_set_new(o, "certificate_chain", list);
    sim_reply(c->request, 200, o);
}

static void get_tls_key(struct agent_call *c) {
    struct certificate_wish w = {0};
    random_bytes(w.secret, sizeof w.secret);
    tls_key(c, &w);
}

static void derive_key(struct agent_call *c) {
    struct err e;
    struct certificate_wish w = {0};
    const char *path;
    bool random = false;
    if (!arg_text(c, "path", &path, &e) || !arg_flag(c, "random_seed", &random, &e)) {
        sim_reply_error(c->request, 400, e.msg);
        return;
    }
    uint8_t seed[32];
    random_bytes(seed, sizeof seed);
    hkdf_sha256(w.secret, 32, SLICE_LIT("RATLS"), slice_of(random ? seed : c->sim->td.app_key, 32), slice_str(path));
    tls_key(c, &w);
}

// --- methods

static const struct method {
    const char *name; // after the last '.'
    bool tappd;
    unsigned since, until; // versions
    void (*run)(struct agent_call *c);
    bool slow; // on a thread of its own
} methods[] = {
    {"GetQuote", false, 500, 9999, get_quote, true},
    {"GetKey", false, 500, 9999, get_key, false},
    {"GetTlsKey", false, 500, 9999, get_tls_key, false},
    {"Info", false, 500, 9999, info, false},
    {"EmitEvent", false, 500, 599, emit_event, false},
    {"Version", false, 507, 9999, version, false},
    {"Sign", false, 508, 9999, sign, false},
    {"Verify", false, 508, 9999, verify, false},
    {"GpuInfo", false, 600, 9999, gpu_info, false},
    {"TdxQuote", true, 0, 9999, tdx_quote, true},
    {"RawQuote", true, 0, 9999, raw_quote, true},
    {"DeriveKey", true, 0, 9999, derive_key, false},
    {"DeriveK256Key", true, 0, 9999, derive_k256_key, false},
    {"Info", true, 0, 9999, info, false},
    {"Version", true, 0, 9999, version, false},
};

static const struct method *find(const struct sim *s, const char *name, bool prpc) {
    bool tappd = prpc && strncmp(name, "Tappd.", 6) == 0;
    const char *last = strrchr(name, '.');
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        const struct method *m = &methods[i];
        if (strcmp(m->name, last ? last + 1 : name) == 0 && m->tappd == tappd && m->since <= s->td.version &&
            s->td.version <= m->until)
            return m;
    }
    return NULL;
}

static void run(struct http_request *r, void *ctx) {
    const struct method *m = http_user(r);
    struct agent_call c = {.sim = ctx, .request = r};
    struct err e;
    if (!sim_control(c.sim, r, &c.control) || sim_misbehave(c.sim, r, c.control.agent))
        return;
    if (http_method(r) == HTTP_POST && !(c.body = json_parse(http_body(r), BODY_MAX, &e))) {
        sim_reply_error(r, 400, e.msg);
        return;
    }
    if (c.body && !json_is_object(c.body) && !json_is_null(c.body))
        sim_reply_error(r, 400, "the body is a JSON object");
    else
        m->run(&c);
    json_decref(c.body);
}

static void dispatch(struct http_request *r, void *ctx) {
    struct sim *s = ctx;
    const char *name = http_param(r, "method");
    const struct method *m = find(s, name, strncmp(http_path(r), "/prpc/", 6) == 0);
    if (!m) {
        sim_reply_error(r, 404,
                        arena_printf(http_arena(r), "dstack %s has no method '%s'", s->td.config.version, name));
        return;
    }
    http_set_user(r, (void *)(uintptr_t)m);
    if (m->slow)
        deferred_run(s->workers, r, run, s);
    else
        run(r, s);
}

const struct http_route agent_routes[] = {
    {HTTP_GET, "/{method}", dispatch, 0, NULL, 0},
    {HTTP_POST, "/{method}", dispatch, BODY_MAX, NULL, 0},
    {HTTP_GET, "/prpc/{method}", dispatch, 0, NULL, 0},
    {HTTP_POST, "/prpc/{method}", dispatch, BODY_MAX, NULL, 0},
};
const size_t agent_route_count = ARRAY_LEN(agent_routes);

void agent_refused(struct http_request *r, const struct http_route *route, const struct err *e) {
    (void)route;
    sim_reply_error(r, err_http_status(e->code), e->msg);
}
