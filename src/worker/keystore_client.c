// SPDX-License-Identifier: Apache-2.0
#include "worker/keystore_client.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "http/client.h"
#include "protocol/contract.h"
#include "secrets/record.h"
#include <pthread.h>

#define CALL_MS 20000 // a condition of access may need several views of the chain
#define ANSWER_MAX (256u << 10)
#define SESSION_S 1800
#define SESSION_SPARE_MS 60000 // a session with less left is not used any more
#define IDENTITY_FRESH_MS 30000

struct session {
    bool open, busy;
    const struct patience *patience; // of its user
    struct session_terms terms;      // texts are the keystore's settings
    struct hash id;
    struct hpke_pair pair;
    uint64_t counter;  // the last one used
    uint64_t until_ms; // clock_mono_ms()
};

struct keystore {
    struct keystore_settings set;
    struct http_client *http;
    size_t base_len; // without a slash behind
    struct public_key own;
    pthread_mutex_t lock; // guards what follows; a session that is busy belongs to its user
    pthread_cond_t idle;
    struct session sessions[KEYSTORE_SESSIONS_MAX];
    bool identity_known, has_identity; // has: the contract publishes one
    struct public_key identity;
    uint64_t identity_read_ms;
};

bool keystore_new(struct keystore **out, const struct keystore_settings *s, struct err *e) {
    size_t n = strlen(s->base_url);
    while (n && s->base_url[n - 1] == '/')
        n--;
    if (strncmp(s->base_url, "http://", 7) != 0 && strncmp(s->base_url, "https://", 8) != 0) {
        err_set(e, ERR_SETTINGS, "KEYSTORE_BASE_URL is not an http or https address");
        return err_hint(e, "leave it empty to ask through the coordinator");
    }
    struct keystore *k = xcalloc(1, sizeof *k);
    k->set = *s;
    k->http = http_client_new();
    k->base_len = n;
    k->own = secret_key_public(s->key);
    pthread_mutex_init(&k->lock, NULL);
    cond_init(&k->idle);
    *out = k;
    return true;
}

static void session_close(struct session *s) {
    hpke_pair_wipe(&s->pair);
    s->open = false;
}

void keystore_free(struct keystore *k) {
    if (!k)
        return;
    for (size_t i = 0; i < KEYSTORE_SESSIONS_MAX; i++)
        session_close(&k->sessions[i]);
    http_client_free(k->http);
    pthread_cond_destroy(&k->idle);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

// --- whose word counts

// The key that the contract publishes at `final`; *has false: none.
static bool read_identity(struct keystore *k, struct arena *a, struct public_key *out, bool *has, struct err *e) {
    SCOPED_JSON(view) = rpc_view_json(k->set.rpc, a, k->set.contract_id, VIEW_KEYSTORE_KEY, NULL, e);
    // A contract of the first form has no such view. That there is no such contract is a server's mistake.
    if (!view && e->code == ERR_NOT_FOUND && strstr(e->msg, "MethodNotFound")) {
        *has = false;
        return true;
    }
    if (!view)
        return err_wrap(e, VIEW_KEYSTORE_KEY);
    *has = !json_is_null(view);
    const char *text = json_string_value(view);
    bool good = text && public_key_parse(out, slice_str(text), NULL) && out->type == KEY_ED25519;
    return good || !*has || err_set(e, ERR_CHAIN, "get_keystore_key of '%s' is no ed25519 key", k->set.contract_id);
}

// As read within the last half minute; `anew`: as it is now.
static bool get_identity(struct keystore *k, struct arena *a, bool anew, struct public_key *out, bool *has,
                         struct err *e) {
    pthread_mutex_lock(&k->lock);
    bool fresh = !anew && k->identity_known && clock_mono_ms() - k->identity_read_ms < IDENTITY_FRESH_MS;
    *out = k->identity;
    *has = k->has_identity;
    pthread_mutex_unlock(&k->lock);
    if (fresh)
        return true;
    if (!read_identity(k, a, out, has, e))
        return false;
    pthread_mutex_lock(&k->lock);
    k->identity = *out;
    k->has_identity = *has;
    k->identity_known = true;
    k->identity_read_ms = clock_mono_ms();
    pthread_mutex_unlock(&k->lock);
    return true;
}

static bool signed_by(const uint8_t identity[static 32], const char *signature, const struct hash *record) {
    struct public_key key = {.type = KEY_ED25519};
    struct signature s;
    memcpy(key.bytes, identity, 32);
    return signature && signature_parse(&s, slice_str(signature), NULL) &&
           signature_verify(&s, &key, hash_slice(record));
}

static const char *sign(struct keystore *k, struct arena *a, const struct hash *record) {
    struct signature s = secret_key_sign(k->set.key, hash_slice(record));
    return signature_text(a, &s);
}

// --- calls

// What came back: *out is always an object; the caller releases it.
static bool post(struct keystore *k, struct arena *a, const struct session *s, const char *path, const json_t *body,
                 int *status, json_t **out, struct err *e) {
    uint64_t left = patience_left(s->patience);
    struct http_call call = {.method = "POST",
                             .url = arena_printf(a, "%.*s%s%s", (int)k->base_len, k->set.base_url, k->set.path, path),
                             .bearer = k->set.token,
                             .request_id = log_trace(),
                             .body = slice_str(json_text(a, body)),
                             .timeout_ms = left < CALL_MS ? left : CALL_MS,
                             .max_answer = ANSWER_MAX,
                             .cancel = s->patience->cancel};
    struct http_answer answer;
    if (!left)
        return patience_fail(s->patience, "the keystore", e);
    if (!http_call(k->http, a, &call, &answer, e))
        return false;
    *status = answer.status;
    *out = json_parse(answer.body, ANSWER_MAX, e);
    if (json_is_object(*out))
        return true;
    json_decref(*out);
    *out = NULL;
    return err_set(e, ERR_UNAVAILABLE, "the keystore's answer (status %d) is not a JSON object", *status);
}

static const char *text_in(const json_t *o, const char *key) { return json_string_value(json_object_get(o, key)); }

static bool is_unauthorized(const json_t *answer) {
    const char *code = text_in(json_object_get(answer, "error"), "code");
    return code && strcmp(code, err_slug(ERR_UNAUTHORIZED)) == 0;
}

// An answer that is an error, or no answer of a keystore. Anybody on the way may have written it: never final.
static bool said_no(const json_t *answer, int status, struct err *e) {
    const json_t *error = json_object_get(answer, "error");
    const char *message = text_in(error, "message"), *hint = text_in(error, "hint");
    enum err_code code = status == 504 ? ERR_TIMEOUT : is_unauthorized(answer) ? ERR_UNAUTHORIZED : ERR_UNAVAILABLE;
    err_set(e, code, "%s", message ? message : "the keystore answered with an error that it does not name");
    return err_hint(e, "%s", hint ? hint : "");
}

// --- sessions

static bool get_challenge(struct keystore *k, struct arena *a, struct session *s, struct err *e) {
    SCOPED_JSON(body) = json_object();
    SCOPED_JSON(answer) = NULL;
    int status;
    const char *challenge;
    if (!post(k, a, s, "/challenge", body, &status, &answer, e))
        return false;
    if (status > 299)
        return said_no(answer, status, e);
    return json_get_text(answer, "challenge", &challenge, e) &&
           hex_decode_exact(s->terms.challenge, sizeof s->terms.challenge, slice_str(challenge), e);
}

static json_t *session_body(struct keystore *k, struct arena *a, const struct session *s) {
    json_t *o = json_object();
    json_set_text(o, "account_id", s->terms.account);
    json_set_text(o, "public_key", public_key_text(a, &k->own));
    json_set_text(o, "challenge", hex_text(a, slice_of(s->terms.challenge, sizeof s->terms.challenge)));
    json_set_text(o, "session_key", hex_text(a, slice_of(s->terms.session_key, sizeof s->terms.session_key)));
    json_set_u64(o, "expires_at", s->terms.expires_at);
    json_set_text(o, "signature", sign(k, a, &s->id));
    return o;
}

static bool session_open(struct keystore *k, struct arena *a, struct session *s, const struct public_key *identity,
                         struct err *e) {
    SCOPED_JSON(answer) = NULL;
    int status;
    s->terms = (struct session_terms){.network = k->set.network,
                                      .contract = k->set.contract_id,
                                      .account = k->set.account_id,
                                      .expires_at = clock_wall_ms() / 1000 + SESSION_S};
    memcpy(s->terms.keystore_key, identity->bytes, sizeof s->terms.keystore_key);
    if (!get_challenge(k, a, s, e))
        return err_wrap(e, "the keystore's challenge");
    hpke_pair_new(&s->pair);
    memcpy(s->terms.session_key, s->pair.public, sizeof s->terms.session_key);
    s->id = session_record(&s->terms);
    s->counter = 0;
    s->until_ms = clock_mono_ms() + SESSION_S * 1000;
    SCOPED_JSON(body) = session_body(k, a, s);
    if (!post(k, a, s, "/session", body, &status, &answer, e))
        return err_wrap(e, "a session with the keystore");
    if (status > 299) {
        said_no(answer, status, e);
        return err_wrap(e, "a session with the keystore");
    }
    if (!signed_by(s->terms.keystore_key, text_in(answer, "signature"), &s->id))
        return err_set(e, ERR_FORBIDDEN, "whoever opened a session is not the keystore that the contract publishes");
    s->open = true;
    log_info("session with the keystore opened");
    return true;
}

// One that is idle, rather an open one; NULL: all are busy. With the lock held.
static struct session *session_idle(struct keystore *k) {
    struct session *found = NULL;
    for (size_t i = 0; i < KEYSTORE_SESSIONS_MAX; i++) {
        struct session *s = &k->sessions[i];
        if (!s->busy && (!found || (s->open && !found->open)))
            found = s;
    }
    return found;
}

// Waits for one while all are busy; NULL: the patience was over before.
static struct session *session_take(struct keystore *k, const struct patience *w, struct err *e) {
    struct session *found;
    pthread_mutex_lock(&k->lock);
    while (!(found = session_idle(k)) && patience_wait(w, &k->idle, &k->lock))
        ;
    if (found) {
        found->busy = true;
        found->patience = w;
    } else
        patience_fail(w, "a session with the keystore", e);
    pthread_mutex_unlock(&k->lock);
    return found;
}

static void session_put(struct keystore *k, struct session *s) {
    pthread_mutex_lock(&k->lock);
    s->busy = false;
    s->patience = NULL;
    pthread_cond_signal(&k->idle);
    pthread_mutex_unlock(&k->lock);
}

// Open, of this identity, and not about to end. A failure leaves it closed.
static bool session_ready(struct keystore *k, struct arena *a, struct session *s, const struct public_key *identity,
                          struct err *e) {
    bool same = memcmp(s->terms.keystore_key, identity->bytes, sizeof s->terms.keystore_key) == 0;
    if (s->open && same && clock_mono_ms() + SESSION_SPARE_MS < s->until_ms)
        return true;
    session_close(s);
    if (session_open(k, a, s, identity, e))
        return true;
    session_close(s);
    return false;
}

// --- secrets

// How one question ended.
enum asked { ASKED_ANSWERED, ASKED_FAILED, ASKED_SESSION_OVER, ASKED_NOT_SIGNED };

static json_t *decrypt_body(struct keystore *k, struct arena *a, const struct decrypt_terms *t) {
    struct hash record = decrypt_record(t);
    char hex[65];
    json_t *o = json_object();
    json_set_text(o, "session_id", hash_hex(&t->session, hex));
    json_set_u64(o, "counter", t->counter);
    json_set_u64(o, "request_id", t->request_id);
    json_set_text(o, "branch", t->branch);
    json_set_text(o, "signature", sign(k, a, &record));
    return o;
}

static enum asked not_signed(struct err *e) {
    err_set(e, ERR_FORBIDDEN, "an answer is not signed by the keystore that the contract publishes");
    return ASKED_NOT_SIGNED;
}

static enum asked take_secrets(struct arena *a, const struct session *s, const struct decrypt_terms *t,
                               const json_t *answer, struct keystore_answer *out, struct err *e) {
    const char *text;
    struct slice sealed, plain;
    if (!json_get_text(answer, "sealed", &text, e) || !base64_decode(&sealed, a, slice_str(text), e))
        return ASKED_FAILED;
    struct hash record = answer_record(t, sealed);
    if (!signed_by(s->terms.keystore_key, text_in(answer, "signature"), &record))
        return not_signed(e);
    out->end = KEYSTORE_GIVEN;
    bool ok = hpke_open(a, &s->pair, answer_info(a, t), sealed, &plain, e) && secrets_parse(&out->secrets, a, plain, e);
    return ok ? ASKED_ANSWERED : ASKED_FAILED;
}

// Codes that are the keystore's last word about a request. Another signed one ("conflict": the request does not wait
// any more) is left to the one who looks at the chain next.
static bool is_final(const char *code) {
    static const enum err_code codes[] = {ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_INVALID};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(code, err_slug(codes[i])) == 0)
            return true;
    return false;
}

static enum asked take_refusal(struct arena *a, const struct session *s, const struct decrypt_terms *t,
                               const json_t *answer, int status, struct keystore_answer *out, struct err *e) {
    const json_t *error = json_object_get(answer, "error");
    const char *code = text_in(error, "code"), *message = text_in(error, "message");
    said_no(answer, status, e);
    if (is_unauthorized(answer))
        return ASKED_SESSION_OVER;
    if (!code || !message || !is_final(code))
        return ASKED_FAILED;
    if (strlen(message) >= sizeof e->msg) // none of the keystore's is so long, and a record of it would not fit
        return not_signed(e);
    struct hash record = refusal_record(t, code, message);
    if (!signed_by(s->terms.keystore_key, text_in(answer, "signature"), &record))
        return not_signed(e);
    out->end = KEYSTORE_REFUSED;
    out->message = arena_strdup(a, message);
    return ASKED_ANSWERED;
}

static enum asked ask(struct keystore *k, struct arena *a, struct session *s, uint64_t request_id, const char *branch,
                      struct keystore_answer *out, struct err *e) {
    struct decrypt_terms t = {.network = k->set.network,
                              .contract = k->set.contract_id,
                              .session = s->id,
                              .counter = ++s->counter,
                              .request_id = request_id,
                              .branch = branch};
    SCOPED_JSON(body) = decrypt_body(k, a, &t);
    SCOPED_JSON(answer) = NULL;
    int status;
    if (!post(k, a, s, "/decrypt", body, &status, &answer, e))
        return ASKED_FAILED;
    return status > 299 ? take_refusal(a, s, &t, answer, status, out, e) : take_secrets(a, s, &t, answer, out, e);
}

// `anew`: with the identity that the contract publishes now.
static enum asked try_once(struct keystore *k, struct arena *a, struct session *s, bool anew, uint64_t request_id,
                           const char *branch, struct keystore_answer *out, struct err *e) {
    struct public_key identity;
    bool has;
    if (!get_identity(k, a, anew, &identity, &has, e))
        return ASKED_FAILED;
    if (!has) {
        out->end = KEYSTORE_NONE;
        return ASKED_ANSWERED;
    }
    if (session_ready(k, a, s, &identity, e))
        return ask(k, a, s, request_id, branch, out, e);
    return e->code == ERR_FORBIDDEN || e->code == ERR_UNAUTHORIZED ? ASKED_NOT_SIGNED : ASKED_FAILED;
}

// A session that the keystore does not know any more, and an identity that has changed on chain, are found out by being
// told no: then once more, with a new session.
static bool fetch_in(struct keystore *k, struct arena *a, struct session *s, uint64_t request_id, const char *branch,
                     struct keystore_answer *out, struct err *e) {
    enum asked end = try_once(k, a, s, false, request_id, branch, out, e);
    if (end == ASKED_SESSION_OVER || end == ASKED_NOT_SIGNED) {
        log_err(LOG_WARN, "asking the keystore again in a new session", e);
        session_close(s);
        end = try_once(k, a, s, true, request_id, branch, out, e);
    }
    if (end == ASKED_SESSION_OVER || end == ASKED_NOT_SIGNED)
        session_close(s);
    return end == ASKED_ANSWERED;
}

bool keystore_fetch(struct keystore *k, struct arena *a, uint64_t request_id, const char *branch,
                    const struct patience *w, struct keystore_answer *out, struct err *e) {
    *out = (struct keystore_answer){0};
    struct session *s = session_take(k, w, e);
    if (!s)
        return false;
    bool ok = fetch_in(k, a, s, request_id, branch, out, e);
    session_put(k, s);
    return ok;
}
