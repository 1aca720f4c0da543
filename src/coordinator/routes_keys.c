// SPDX-License-Identifier: Apache-2.0
// What an account does with its keys, by its own word: no key makes, shows or revokes keys.
#include "coordinator/api.h"
#include "coordinator/routes.h"

#include "base/log.h"
#include "coordinator/account_keys.h"
#include "coordinator/account_words.h"

struct key_act {
    struct account_act act; // first: it is what the handlers get
    const char *name, *id;
};

// Takes the answer. NULL: *e says why there is none.
static void reply(struct http_request *r, int status, json_t *answer, const struct err *e) {
    http_add_header(r, "Cache-Control", "no-store");
    if (answer)
        http_reply_json(r, status, answer);
    else
        http_reply_err(r, e);
}

static json_t *shown(const struct account_key *k) {
    json_t *o = json_object();
    json_set_text(o, "id", k->id);
    json_set_text(o, "name", k->name);
    json_set_text(o, "prefix", k->prefix);
    json_set_u64(o, "created_ms", k->created_ms);
    return o;
}

static struct key_act *act_of(struct http_request *r, struct coordinator *c, http_handler then) {
    struct key_act *x = arena_calloc(http_arena(r), 1, sizeof *x);
    x->act.c = c;
    x->act.then = then;
    return x;
}

// --- making

static void make(struct http_request *r, void *ctx) {
    struct key_act *x = ctx;
    struct account_key made;
    struct err e;
    const char *key;
    bool ok = account_key_create(x->act.c->writer, &x->act.word, x->name, http_arena(r), &made, &key, &e);
    json_t *answer = ok ? shown(&made) : NULL;
    if (ok) {
        json_set_text(answer, "key", key);
        log_info("API key %s was made for %s", made.id, x->act.word.account);
    }
    reply(r, 201, answer, &e);
}

void keys_create(struct http_request *r, void *ctx) {
    struct key_act *x = act_of(r, ctx, make);
    struct err e;
    SCOPED_JSON(j) = http_take_json(r);
    x->name = arena_strdup(http_arena(r), api_text(j, "name"));
    if (!account_key_name_check(x->name, &e)) {
        http_reply_err(r, &e);
        return;
    }
    x->act.act = arena_printf(http_arena(r), "make an API key named \"%s\"", x->name);
    account_act_run(r, &x->act);
}

// --- listing

static bool read_keys(struct coordinator *c, struct arena *a, const char *account,
                      struct account_key keys[static ACCOUNT_KEYS_MAX], size_t *count, struct err *e) {
    pthread_mutex_lock(&c->reading_mutex);
    bool ok = account_key_list(c->reading, a, account, keys, count, e);
    pthread_mutex_unlock(&c->reading_mutex);
    return ok;
}

static json_t *shown_all(const struct account_key *keys, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *o = shown(&keys[i]);
        json_object_set_new(o, "last_used_ms",
                            keys[i].used_ms ? json_integer((json_int_t)keys[i].used_ms) : json_null());
        json_array_append_new(list, o);
    }
    return json_pack("{s:o, s:i}", "keys", list, "most", ACCOUNT_KEYS_MAX);
}

static void show(struct http_request *r, void *ctx) {
    struct key_act *x = ctx;
    struct account_key keys[ACCOUNT_KEYS_MAX];
    struct err e;
    size_t count;
    bool ok = read_keys(x->act.c, http_arena(r), x->act.word.account, keys, &count, &e);
    reply(r, 200, ok ? shown_all(keys, count) : NULL, &e);
}

void keys_list(struct http_request *r, void *ctx) {
    struct key_act *x = act_of(r, ctx, show);
    x->act.act = "list API keys";
    account_act_run(r, &x->act);
}

// --- ending

static void end_key(struct http_request *r, void *ctx) {
    struct key_act *x = ctx;
    struct err e;
    bool ok = account_key_revoke(x->act.c->writer, x->act.c->keys, x->act.word.account, x->id, &e);
    if (ok)
        log_info("API key %s of %s was revoked", x->id, x->act.word.account);
    reply(r, 200, ok ? json_pack("{s:b}", "revoked", 1) : NULL, &e);
}

void keys_revoke(struct http_request *r, void *ctx) {
    struct key_act *x = act_of(r, ctx, end_key);
    struct err e;
    x->id = http_param(r, "id");
    if (!account_key_id_is_one(x->id)) {
        err_set(&e, ERR_NOT_FOUND, "there is no API key '%.32s'", x->id);
        err_hint(&e, "GET /public/api-keys shows their numbers, of %d hexadecimal digits", ACCOUNT_KEY_ID_LEN);
        http_reply_err(r, &e);
        return;
    }
    x->act.act = arena_printf(http_arena(r), "revoke the API key %s", x->id);
    account_act_run(r, &x->act);
}
