// SPDX-License-Identifier: Apache-2.0
// The routes, and who may use them: keys are asked for by the coordinator, which has a token; secrets by workers, whose
// authority is their session.
#include "base/log.h"
#include "keystore/keystore.h"

#define SMALL_BODY (8u << 10)
#define BLOB_BODY (256u << 10)
enum route_kind { OPEN, TOKEN };

// Handlers that ask the chain run on threads of their own. keystore_audit sees to its own, a share for each owner.
#define DEFERRED(name, threads)                                                                                        \
    static void deferred_##name(struct http_request *r, void *ctx) {                                                   \
        deferred_run(((struct keystore *)ctx)->threads, r, keystore_##name, ctx);                                      \
    }
DEFERRED(add_generated, for_owners)
DEFERRED(session, deferred)
DEFERRED(decrypt, deferred)
DEFERRED(readyz, probes)

static const struct http_route routes[] = {
    {HTTP_GET, "/health", keystore_health, 0, NULL, OPEN},
    {HTTP_GET, "/healthz", keystore_healthz, 0, NULL, OPEN},
    {HTTP_GET, "/readyz", deferred_readyz, 0, NULL, OPEN},
    {HTTP_GET, "/pubkey", keystore_get_pubkey, 0, NULL, TOKEN},
    {HTTP_POST, "/pubkey", keystore_post_pubkey, SMALL_BODY, NULL, TOKEN},
    {HTTP_POST, "/add_generated_secret", deferred_add_generated, BLOB_BODY, NULL, TOKEN},
    {HTTP_POST, "/audit", keystore_audit, SMALL_BODY, NULL, TOKEN},
    {HTTP_POST, "/challenge", keystore_challenge, SMALL_BODY, NULL, OPEN},
    {HTTP_POST, "/session", deferred_session, SMALL_BODY, NULL, OPEN},
    {HTTP_POST, "/decrypt", deferred_decrypt, SMALL_BODY, NULL, OPEN},
    {HTTP_GET, "/sessions", keystore_list_sessions, 0, NULL, TOKEN},
    {HTTP_DELETE, "/sessions/{id}", keystore_revoke_session, 0, NULL, TOKEN},
};

static bool authorise(struct http_request *r, void *ctx, const struct http_route *route, struct err *e) {
    const struct keystore *k = ctx;
    const char *token = http_bearer(r);
    bool known = false;
    if (route->tag == OPEN)
        return true;
    struct hash h = sha256(slice_str(token ? token : ""));
    for (size_t i = 0; token && i < k->token_count; i++)
        known |= secret_eq(hash_slice(&h), hash_slice(&k->tokens[i]));
    if (known)
        return true;
    const struct audit_entry entry = {
        .what = "token", .verdict = "refused", .why = token ? "a wrong token" : "no token", .unproven = true};
    if (!audit_write(k->audit, &entry, e))
        log_err(LOG_ERROR, "audit", e);
    err_set(e, ERR_UNAUTHORIZED, token ? "Invalid token" : "Missing Authorization header");
    return err_hint(e,
                    "send `Authorization: Bearer TOKEN`; SHA-256 of the token stands in ALLOWED_WORKER_TOKEN_HASHES");
}

bool keystore_serve(struct http_server **out, struct keystore *k, const char *host, uint16_t port,
                    const struct http_limits *limits, struct err *e) {
    const struct http_server_config config = {.host = host,
                                              .port = port,
                                              .threads = 2,
                                              .limits = *limits,
                                              .routes = routes,
                                              .route_count = ARRAY_LEN(routes),
                                              .ctx = k,
                                              .before = authorise};
    return http_server_start(out, &config, e);
}
