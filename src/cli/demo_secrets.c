// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_secrets.h"

#include "base/text.h"
#include "cli/commands.h"
#include "cli/repo.h"
#include "cli/secrets_remote.h"
#include "codec/hex.h"
#include "protocol/contract.h"
#include "repo/repo.h"
#include "secrets/values.h"
#include <sodium.h>

#define PROFILE "demo"
#define INPUT "pay 3 NEAR to carol"

struct run {
    const struct demo_secrets *d;
    struct repo_ref repo;
    char key[33]; // 16 random bytes in hexadecimal
};

static bool store(struct run *r, struct remote *remote, const char **transaction, struct err *e) {
    struct arena *a = r->d->arena;
    const struct credentials *alice = &r->d->stack->developers[0];
    struct secret one = {"API_KEY", r->key};
    struct secrets values = {&one, 1};
    struct access only_alice = {.kind = ACCESS_WHITELIST, .accounts = (struct account_id *)&alice->account, .count = 1};
    struct scope s = {.network = r->d->target->network,
                      .contract = r->d->target->contract,
                      .owner = alice->account.s,
                      .profile = PROFILE};
    struct sealing_key key;
    struct slice plain, blob;
    struct yocto deposit;
    char amount[64];
    if (!repo_name(&s.repo, a, r->repo.repo, e) || !secrets_print(a, &values, &plain, e) ||
        !remote_key(remote, &s, &key, e) || !blob_seal(a, &s, key.generation, key.public, plain, &blob, e) ||
        !remote_estimate(remote, &s, base64_text(a, blob), &only_alice, &deposit, e))
        return false;
    struct remote_call call = {.method = "store_secrets", .args = remote_name(&s), .deposit = deposit, .quiet = true};
    json_set_text(call.args, "encrypted_secrets_base64", base64_text(a, blob));
    json_object_set_new(call.args, "access", access_json(&only_alice));
    printf("           sealed here for %s: API_KEY, %zu bytes, deposit %s\n", access_text(a, &only_alice), blob.len,
           yocto_text(deposit, amount));
    return remote_send(remote, &call, transaction, NULL, e);
}

static bool ask(const struct run *r, const struct credentials *from, struct ask_result *out, struct err *e) {
    struct ask ask = {.repo = r->repo.repo,
                      .commit = r->repo.commit,
                      .build_target = DEFAULT_BUILD_TARGET,
                      .input = INPUT,
                      .format = "Text",
                      .limits = LIMITS_DEFAULT,
                      .deposit = {NEAR_ONE / 10},
                      .secrets_profile = PROFILE,
                      .secrets_owner = r->d->stack->developers[0].account.s,
                      .receiver = r->d->target->contract,
                      .method = METHOD_REQUEST};
    return ask_run(r->d->target, from, &ask, r->d->progress, NULL, r->d->arena, out, e);
}

static const char *expected(const struct run *r) {
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, (const uint8_t *)r->key, strlen(r->key));
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)INPUT, strlen(INPUT));
    crypto_auth_hmacsha256_final(&state, mac);
    return hex_text(r->d->arena, slice_of(mac, sizeof mac));
}

static bool served(const struct run *r, struct err *e) {
    struct ask_result result;
    printf("a run with a secret, asked by %s: HMAC-SHA256 of \"%s\"\n", r->d->stack->developers[0].account.s, INPUT);
    bool ok = ask(r, &r->d->stack->developers[0], &result, e);
    const char *got = ok ? json_string_value(result.answer.output) : NULL, *want = expected(r);
    if (ok && (!got || strcmp(got, want) != 0))
        ok = err_set(e, ERR_CORRUPT, "the guest did not prove the secret: %s",
                     result.answer.error ? result.answer.error : "another value");
    if (ok)
        printf("           the guest proved that it knows the key: %s   (as computed here)\n\n", got);
    ask_release(&result);
    return ok;
}

static bool refused(const struct run *r, struct err *e) {
    struct ask_result result;
    char charged[64], refunded[64];
    printf("the same, asked by %s, who may not use it\n", r->d->stack->developers[1].account.s);
    bool ok = ask(r, &r->d->stack->developers[1], &result, e);
    const struct chain_answer *w = &result.answer;
    if (ok && (w->success || !w->error || strncmp(w->error, "Access denied", 13) != 0))
        ok = err_set(e, ERR_CORRUPT, "a caller without access was not refused: %s", w->error ? w->error : "served");
    if (ok)
        printf("           refused: %s\n           charged %s, refunded %s\n\n", w->error,
               yocto_text(w->charged, charged), yocto_text(w->refunded, refunded));
    ask_release(&result);
    return ok;
}

bool demo_secrets(const struct demo_secrets *d, struct err *e) {
    struct run r = {.d = d};
    struct remote remote;
    const char *transaction;
    uint8_t bytes[16];
    const char *folder = arena_printf(d->arena, "%s/hmac-c", d->examples);
    random_bytes(bytes, sizeof bytes);
    hex_encode(r.key, slice_of(bytes, sizeof bytes));
    if (!repo_prepare(d->arena, d->stack->home, folder, NULL, &r.repo, e) ||
        !remote_open(&remote, d->arena, d->target, &d->stack->developers[0], e))
        return false;
    printf("a secret, stored by %s\n", d->stack->developers[0].account.s);
    bool ok = store(&r, &remote, &transaction, e);
    if (ok)
        printf("           stored in %s\n\n", transaction);
    remote_close(&remote);
    ok = ok && served(&r, e) && refused(&r, e);
    sodium_memzero(&r.key, sizeof r.key);
    return ok;
}
