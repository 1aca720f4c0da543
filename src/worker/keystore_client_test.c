// SPDX-License-Identifier: Apache-2.0
#include "worker/keystore_client.h"

#include "base/test.h"
#include "base/text.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/hpke.h"
#include "http/test_server.h"
#include "secrets/record.h"
#include <pthread.h>

#define SECRETS "{\"API_KEY\":\"s3cret\",\"OTHER\":\"1\"}"
#define SESSIONS 64

// What the keystore, or whoever stands in between, does with the next questions.
enum manner {
    GOOD,
    REFUSES,        // signed
    REFUSES_FORGED, // in the name of the keystore, without its key
    REFUSES_UNSIGNED,
    REFUSES_AT_LENGTH, // with more words than a record has room for
    BAD_SIGNATURE,     // sealed secrets under another key's signature
    FLIPPED,           // a byte of the sealed secrets is another
    SWAPPED,           // the answer to another question of the same session
    FORGETS,           // knows no session, once
    FORGETS_ALWAYS,
    TROUBLED, // 503
    CONFLICT, // signed, but nothing final
    NO_JSON,
    SILENT, // until the test lets it answer
};

static struct fake {
    struct http_server *server;
    pthread_mutex_t mutex;
    struct secret_key identity, stranger, worker;
    pthread_cond_t answers; // for SILENT: another manner
    bool published, opens_as_stranger;
    const char *cause, *failure; // of a view's error, and of a view that failed; NULL: none
    const struct secret_key *identity_on_chain;
    enum manner manner;
    const char *code, *message;
    struct {
        struct hash id;
        uint8_t key[HPKE_KEY];
        uint64_t counter;
    } sessions[SESSIONS];
    unsigned opened, asked, views;
    uint64_t request_id;
    char branch[64];
    atomic_bool authorized; // the token came with every call
} fake;
static char url[64];

// --- the chain

static void serve_rpc(struct http_request *r, void *ctx) {
    (void)ctx;
    pthread_mutex_lock(&fake.mutex);
    struct public_key key = secret_key_public(fake.identity_on_chain);
    char *text = fake.published ? arena_printf(http_arena(r), "\"%s\"", public_key_text(http_arena(r), &key))
                                : arena_strdup(http_arena(r), "null");
    const char *cause = fake.cause, *failure = fake.failure;
    fake.views++;
    pthread_mutex_unlock(&fake.mutex);
    if (cause || failure) {
        http_reply_json(
            r, 200,
            cause ? json_pack("{s:s,s:{s:{s:s},s:s}}", "id", "outlayer", "error", "cause", "name", cause, "data", "why")
                  : json_pack("{s:s,s:{s:s,s:I}}", "id", "outlayer", "result", "error", failure, "block_height",
                              (json_int_t)5));
        return;
    }
    json_t *bytes = json_array();
    for (const char *p = text; *p; p++)
        json_array_append_new(bytes, json_integer(*p));
    http_reply_json(r, 200,
                    json_pack("{s:s,s:s,s:{s:o,s:[],s:I}}", "jsonrpc", "2.0", "id", "outlayer", "result", "result",
                              bytes, "logs", "block_height", (json_int_t)5));
}

// --- the keystore

static void put_signature(struct http_request *r, json_t *o, const struct secret_key *by, const struct hash *record) {
    struct signature s = secret_key_sign(by, hash_slice(record));
    json_set_text(o, "signature", signature_text(http_arena(r), &s));
}

static void check_token(struct http_request *r) {
    const char *token = http_bearer(r);
    if (!token || strcmp(token, "a-token") != 0)
        fake.authorized = false;
}

static void serve_challenge(struct http_request *r, void *ctx) {
    (void)ctx;
    check_token(r);
    http_reply_json(r, 200,
                    json_pack("{s:s,s:i}", "challenge",
                              "0101010101010101010101010101010101010101010101010101010101010101", "expires_in_s", 60));
}

static bool hex32(const json_t *o, const char *key, uint8_t *out) {
    const char *text = json_string_value(json_object_get(o, key));
    return text && hex_decode_exact(out, 32, slice_str(text), NULL);
}

static bool signed_by_worker(const json_t *o, const struct hash *record) {
    struct public_key key = secret_key_public(&fake.worker);
    struct signature s;
    const char *text = json_string_value(json_object_get(o, "signature"));
    return text && signature_parse(&s, slice_str(text), NULL) && signature_verify(&s, &key, hash_slice(record));
}

static void say_no(struct http_request *r, enum err_code code, const char *message) {
    struct err e;
    err_set(&e, code, "%s", message);
    http_reply_err(r, &e);
}

static void serve_session(struct http_request *r, void *ctx) {
    (void)ctx;
    SCOPED_JSON(o) = json_parse(http_body(r), 65536, NULL);
    struct public_key identity = secret_key_public(&fake.identity);
    struct session_terms t = {.network = "devnet",
                              .contract = "outlayer.near",
                              .account = json_string_value(json_object_get(o, "account_id")),
                              .expires_at = (uint64_t)json_integer_value(json_object_get(o, "expires_at"))};
    memcpy(t.keystore_key, identity.bytes, 32);
    bool read = t.account && hex32(o, "challenge", t.challenge) && hex32(o, "session_key", t.session_key);
    struct hash id = read ? session_record(&t) : (struct hash){0};
    check_token(r);
    if (!read || t.challenge[0] != 1 || !signed_by_worker(o, &id)) {
        say_no(r, ERR_UNAUTHORIZED, "the signature is not that of this key");
        return;
    }
    pthread_mutex_lock(&fake.mutex);
    unsigned at = fake.opened++ % SESSIONS;
    fake.sessions[at].id = id;
    fake.sessions[at].counter = 0;
    memcpy(fake.sessions[at].key, t.session_key, 32);
    bool stranger = fake.opens_as_stranger;
    pthread_mutex_unlock(&fake.mutex);
    char hex[65];
    json_t *out = json_pack("{s:s,s:I}", "session_id", hash_hex(&id, hex), "expires_at", (json_int_t)t.expires_at);
    put_signature(r, out, stranger ? &fake.stranger : &fake.identity, &id);
    http_reply_json(r, 200, out);
}

// With the mutex held. The session's place; -1: not known, or used wrongly.
static int find(const struct decrypt_terms *t, const json_t *o) {
    struct hash record = decrypt_record(t);
    for (int i = 0; i < SESSIONS; i++)
        if (hash_eq(&fake.sessions[i].id, &t->session) && t->counter > fake.sessions[i].counter &&
            signed_by_worker(o, &record)) {
            fake.sessions[i].counter = t->counter;
            return i;
        }
    return -1;
}

static json_t *given(struct http_request *r, struct decrypt_terms *t, const uint8_t *key, enum manner manner) {
    struct arena *a = http_arena(r);
    struct slice sealed;
    if (manner == SWAPPED)
        t->counter--;
    assert_true(hpke_seal(a, key, answer_info(a, t), SLICE_LIT(SECRETS), &sealed, NULL));
    struct hash record = answer_record(t, sealed);
    if (manner == FLIPPED)
        ((uint8_t *)(uintptr_t)sealed.ptr)[sealed.len / 2] ^= 1;
    json_t *o = json_pack("{s:s}", "sealed", base64_text(a, sealed));
    put_signature(r, o, manner == BAD_SIGNATURE ? &fake.stranger : &fake.identity, &record);
    return o;
}

static void refuse(struct http_request *r, const struct decrypt_terms *t, const struct secret_key *by, const char *code,
                   const char *message, int status) {
    json_t *o = json_pack("{s:{s:s,s:s,s:s}}", "error", "code", code, "message", message, "hint", "");
    struct hash record = refusal_record(t, code, message);
    put_signature(r, o, by, &record);
    http_reply_json(r, status, o);
}

static void refuse_at_length(struct http_request *r) {
    char *message = arena_calloc(http_arena(r), 1, 70001);
    memset(message, 'x', 70000);
    http_reply_json(
        r, 403,
        json_pack("{s:{s:s,s:s},s:s}", "error", "code", "forbidden", "message", message, "signature", "ed25519:1"));
}

static void serve_decrypt(struct http_request *r, void *ctx) {
    (void)ctx;
    SCOPED_JSON(o) = json_parse(http_body(r), 65536, NULL);
    struct decrypt_terms t = {.network = "devnet", .contract = "outlayer.near"};
    t.counter = (uint64_t)json_integer_value(json_object_get(o, "counter"));
    t.request_id = (uint64_t)json_integer_value(json_object_get(o, "request_id"));
    t.branch = json_string_value(json_object_get(o, "branch"));
    bool read = hex32(o, "session_id", t.session.b);
    check_token(r);
    pthread_mutex_lock(&fake.mutex);
    fake.asked++;
    while (fake.manner == SILENT)
        pthread_cond_wait(&fake.answers, &fake.mutex);
    enum manner manner = fake.manner;
    if (manner == FORGETS) {
        memset(fake.sessions, 0, sizeof fake.sessions);
        fake.manner = GOOD;
    }
    int at = read && manner != FORGETS_ALWAYS ? find(&t, o) : -1;
    uint8_t key[HPKE_KEY] = {0};
    if (at >= 0)
        memcpy(key, fake.sessions[at].key, sizeof key);
    fake.request_id = t.request_id;
    snprintf(fake.branch, sizeof fake.branch, "%s", t.branch ? t.branch : "(null)");
    pthread_mutex_unlock(&fake.mutex);
    if (at < 0)
        say_no(r, ERR_UNAUTHORIZED, "this session is not known");
    else if (manner == TROUBLED)
        say_no(r, ERR_UNAVAILABLE, "secrets are not offered by this deployment");
    else if (manner == REFUSES_UNSIGNED)
        say_no(r, ERR_FORBIDDEN, "Access denied: says the coordinator");
    else if (manner == REFUSES_AT_LENGTH)
        refuse_at_length(r);
    else if (manner == NO_JSON)
        http_reply(r, 200, "text/plain", SLICE_LIT("hello"));
    else if (manner == REFUSES || manner == REFUSES_FORGED || manner == CONFLICT)
        refuse(r, &t, manner == REFUSES_FORGED ? &fake.stranger : &fake.identity, fake.code, fake.message, 403);
    else
        http_reply_json(r, 200, given(r, &t, key, manner));
}

static const struct http_route routes[] = {
    {.method = HTTP_POST, .path = "/rpc", .handler = serve_rpc, .max_body = 1 << 20},
    {.method = HTTP_POST, .path = "/secrets/challenge", .handler = serve_challenge, .max_body = 1 << 16},
    {.method = HTTP_POST, .path = "/secrets/session", .handler = serve_session, .max_body = 1 << 16},
    {.method = HTTP_POST, .path = "/secrets/decrypt", .handler = serve_decrypt, .max_body = 1 << 16},
};

// --- the worker's side

struct world {
    struct rpc *rpc;
    struct keystore *k;
    struct arena *a;
    struct keystore_answer n;
    struct err e;
};

static struct world start(void) {
    struct world w = {.a = arena_new()};
    fake.published = true;
    fake.authorized = true;
    fake.opens_as_stranger = false;
    fake.identity_on_chain = &fake.identity;
    fake.manner = GOOD;
    fake.opened = fake.asked = fake.views = 0;
    assert_ok(rpc_new(&w.rpc, arena_printf(w.a, "%s/rpc", url), &w.e), &w.e);
    struct keystore_settings s = {.base_url = arena_printf(w.a, "%s/", url), // with and without a slash
                                  .path = "/secrets",
                                  .token = "a-token",
                                  .network = "devnet",
                                  .contract_id = "outlayer.near",
                                  .account_id = "operator.near",
                                  .key = &fake.worker,
                                  .rpc = w.rpc};
    assert_ok(keystore_new(&w.k, &s, &w.e), &w.e);
    return w;
}

static void end(struct world *w) {
    keystore_free(w->k);
    rpc_free(w->rpc);
    arena_free_wiped(w->a);
}

static const struct patience patient = {0, NULL};

static bool fetch(struct world *w, const char *branch) {
    w->e = (struct err){0};
    return keystore_fetch(w->k, w->a, 7, branch, &patient, &w->n, &w->e);
}

static void assert_given(struct world *w) {
    assert_ok(fetch(w, NULL), &w->e);
    assert_int_equal(w->n.end, KEYSTORE_GIVEN);
    assert_int_equal(w->n.secrets.count, 2);
    assert_string_equal(w->n.secrets.items[0].name, "API_KEY");
    assert_string_equal(w->n.secrets.items[0].value, "s3cret");
}

// If this fails, guests get no secrets, or each fetch opens a session.
static void test_given(void **state) {
    (void)state;
    struct world w = start();
    assert_given(&w);
    assert_string_equal(fake.branch, "(null)");
    assert_ok(fetch(&w, "release/1"), &w.e);
    assert_string_equal(fake.branch, "release/1");
    assert_int_equal(fake.request_id, 7);
    assert_int_equal(fake.opened, 1);
    assert_int_equal(fake.views, 1);
    assert_true(fake.authorized);
    end(&w);
}

// If this fails, a sender never learns why the request was refused, or somebody in between may refuse in the keystore's
// name and have the payer charged.
static void test_refusals(void **state) {
    (void)state;
    struct world w = start();
    static const char *const final[] = {"forbidden", "not_found", "invalid_input"};
    fake.manner = REFUSES;
    fake.message = "Access denied: bob.near is not on the list";
    for (size_t i = 0; i < ARRAY_LEN(final); i++) {
        fake.code = final[i];
        assert_ok(fetch(&w, NULL), &w.e);
        assert_int_equal(w.n.end, KEYSTORE_REFUSED);
        assert_string_equal(w.n.message, fake.message);
    }
    fake.manner = REFUSES_FORGED;
    assert_err(fetch(&w, NULL), &w.e, ERR_FORBIDDEN, "not signed");
    fake.manner = REFUSES_UNSIGNED;
    assert_err(fetch(&w, NULL), &w.e, ERR_FORBIDDEN, "not signed");
    fake.manner = CONFLICT;
    fake.code = "conflict";
    assert_err(fetch(&w, NULL), &w.e, ERR_UNAVAILABLE, "Access denied");
    fake.manner = TROUBLED;
    assert_err(fetch(&w, NULL), &w.e, ERR_UNAVAILABLE, "not offered");
    fake.manner = NO_JSON;
    assert_err(fetch(&w, NULL), &w.e, ERR_UNAVAILABLE, "not a JSON object");
    fake.manner = GOOD;
    assert_given(&w);
    end(&w);
}

// If this fails, whoever stands between worker and keystore can hand secrets of his own choice to a guest.
static void test_forged(void **state) {
    (void)state;
    struct world w = start();
    static const enum manner forged[] = {BAD_SIGNATURE, FLIPPED, SWAPPED, REFUSES_AT_LENGTH};
    for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
        fake.manner = forged[i];
        fake.opened = 0;
        assert_err(fetch(&w, NULL), &w.e, ERR_FORBIDDEN, "not signed");
        assert_true(fake.opened <= 2); // a new session was tried, and nothing more
        assert_int_equal(w.n.secrets.count, 0);
    }
    fake.opens_as_stranger = true;
    assert_err(fetch(&w, NULL), &w.e, ERR_FORBIDDEN, "not the keystore");
    end(&w);
}

// If this fails, a restarted keystore, or one with a new identity, serves no worker until that is restarted, too; or a
// worker asks for ever.
static void test_new_sessions(void **state) {
    (void)state;
    struct world w = start();
    assert_given(&w);
    fake.manner = FORGETS;
    assert_given(&w);
    assert_int_equal(fake.opened, 2);
    fake.manner = FORGETS_ALWAYS;
    fake.asked = 0;
    assert_err(fetch(&w, NULL), &w.e, ERR_UNAUTHORIZED, "not known");
    assert_int_equal(fake.asked, 2);
    fake.manner = GOOD;
    struct secret_key before = fake.identity;
    secret_key_generate(&fake.identity); // and the chain says so
    memset(fake.sessions, 0, sizeof fake.sessions);
    assert_given(&w);
    fake.identity = before;
    assert_given(&w);
    end(&w);
}

// If this fails, a worker believes a keystore that the contract does not name, or tries for ever where there is none.
static void test_none_published(void **state) {
    (void)state;
    struct world w = start();
    fake.published = false;
    assert_ok(fetch(&w, NULL), &w.e);
    assert_int_equal(w.n.end, KEYSTORE_NONE);
    assert_int_equal(fake.opened, 0);
    end(&w);
    w = start();
    fake.identity_on_chain = &fake.stranger;
    assert_err(fetch(&w, NULL), &w.e, ERR_UNAUTHORIZED, "session with the keystore");
    assert_int_equal(fake.asked, 0);
    end(&w);
}

// If this fails, a server that lacks a block, or knows another chain, makes a request end without its secrets.
static void test_no_view(void **state) {
    (void)state;
    struct world w = start();
    fake.cause = "UNKNOWN_BLOCK";
    assert_err(fetch(&w, NULL), &w.e, ERR_UNAVAILABLE, "UNKNOWN_BLOCK");
    fake.cause = "UNKNOWN_ACCOUNT";
    assert_err(fetch(&w, NULL), &w.e, ERR_NOT_FOUND, "UNKNOWN_ACCOUNT");
    fake.cause = NULL;
    fake.failure = "wasm execution failed with error: MethodResolveError(MethodNotFound)";
    assert_ok(fetch(&w, NULL), &w.e);
    assert_int_equal(w.n.end, KEYSTORE_NONE);
    fake.failure = NULL;
    end(&w);
}

static void *fetch_many(void *ctx) {
    struct world *w = ctx;
    size_t bad = 0;
    for (int i = 0; i < 20; i++) {
        struct arena *a = arena_new();
        struct keystore_answer n;
        struct err e;
        if (!keystore_fetch(w->k, a, 7, NULL, &patient, &n, &e) || n.end != KEYSTORE_GIVEN || n.secrets.count != 2)
            bad++;
        arena_free_wiped(a);
    }
    return (void *)bad;
}

// If this fails, requests at the same time overtake each other's counters and are refused.
static void test_many_at_once(void **state) {
    (void)state;
    struct world w = start();
    pthread_t threads[KEYSTORE_SESSIONS_MAX + 8];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fetch_many, &w), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    assert_int_equal(fake.asked, 20 * ARRAY_LEN(threads));
    assert_true(fake.opened <= KEYSTORE_SESSIONS_MAX);
    end(&w);
}

struct impatient {
    struct world *w;
    atomic_bool cancel;
    struct err e;
    bool given;
};

static void *fetch_impatiently(void *ctx) {
    struct impatient *i = ctx;
    struct arena *a = arena_new();
    struct keystore_answer n;
    const struct patience w = {0, &i->cancel};
    i->given = keystore_fetch(i->w->k, a, 7, NULL, &w, &n, &i->e);
    arena_free_wiped(a);
    return NULL;
}

static void await_asked(unsigned count) {
    pthread_mutex_lock(&fake.mutex);
    while (fake.asked < count) {
        pthread_mutex_unlock(&fake.mutex);
        sched_yield();
        pthread_mutex_lock(&fake.mutex);
    }
    pthread_mutex_unlock(&fake.mutex);
}

// If this fails, a worker whose lease is lost, or that stops, waits for a keystore that says nothing, or for others who
// wait for it; or their sessions are lost with them.
static void test_patience(void **state) {
    (void)state;
    struct world w = start();
    struct impatient asks[5] = {0};
    pthread_t threads[5];
    fake.manner = SILENT;
    for (size_t i = 0; i < 5; i++) {
        asks[i].w = &w;
        assert_int_equal(pthread_create(&threads[i], NULL, fetch_impatiently, &asks[i]), 0);
        if (i < 4)
            await_asked((unsigned)i + 1);
    }
    for (size_t i = 5; i-- > 0;) { // the last one waits for a session of the others
        atomic_store(&asks[i].cancel, true);
        pthread_join(threads[i], NULL);
        assert_err(asks[i].given, &asks[i].e, ERR_UNAVAILABLE, "");
    }
    const struct patience late = {1, NULL};
    w.e = (struct err){0};
    assert_err(keystore_fetch(w.k, w.a, 7, NULL, &late, &w.n, &w.e), &w.e, ERR_TIMEOUT, "took too long");
    pthread_mutex_lock(&fake.mutex);
    fake.manner = GOOD;
    pthread_cond_broadcast(&fake.answers);
    pthread_mutex_unlock(&fake.mutex);
    assert_given(&w);
    end(&w);
}

static void test_settings(void **state) {
    (void)state;
    struct err e;
    struct keystore *k;
    struct keystore_settings s = {.base_url = "keystore:8081", .key = &fake.worker};
    assert_err(keystore_new(&k, &s, &e), &e, ERR_SETTINGS, "KEYSTORE_BASE_URL");
}

static int set_up(void **state) {
    (void)state;
    pthread_mutex_init(&fake.mutex, NULL);
    pthread_cond_init(&fake.answers, NULL);
    secret_key_generate(&fake.identity);
    secret_key_generate(&fake.stranger);
    secret_key_generate(&fake.worker);
    fake.server = test_server(routes, ARRAY_LEN(routes), 6);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(fake.server));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    http_server_stop(fake.server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given),        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_forged),
        cmocka_unit_test(test_new_sessions), cmocka_unit_test(test_none_published), cmocka_unit_test(test_no_view),
        cmocka_unit_test(test_many_at_once), cmocka_unit_test(test_patience),       cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
