// SPDX-License-Identifier: Apache-2.0
// /wasm/… and /cargo-lock/…: modules, and locks that were made for builds of repositories without one, go in and out by
// their hash.
#include "coordinator/routes.h"

static bool hash_param(const char *text, struct hash *out, struct err *e) {
    if (text && hash_from_hex(out, slice_str(text), e))
        return true;
    return err_set(e, ERR_INVALID, "what is kept is named by its SHA-256: 64 hex digits");
}

static bool add_piece(struct http_request *r, struct blobs *blobs, void **state, struct slice bytes, struct err *e) {
    struct blob_upload *u = *state;
    struct hash hash;
    if (!u && (!hash_param(http_query(r, "sha256"), &hash, e) || !blob_begin(blobs, &u, e)))
        return false;
    *state = u;
    return blob_add(u, bytes, e);
}

static bool wasm_piece(struct http_request *r, void *ctx, void **state, struct slice bytes, struct err *e) {
    return add_piece(r, ((struct coordinator *)ctx)->blobs, state, bytes, e);
}

static bool lock_piece(struct http_request *r, void *ctx, void **state, struct slice bytes, struct err *e) {
    return add_piece(r, ((struct coordinator *)ctx)->cargo_locks, state, bytes, e);
}

static void drop(void *ctx, void *state) {
    (void)ctx;
    blob_drop(state);
}

const struct http_stream wasm_stream = {wasm_piece, drop}, cargo_lock_stream = {lock_piece, drop};

static void reply_blob(struct http_request *r, struct blobs *blobs, const char *type) {
    struct hash hash;
    struct err e;
    int fd;
    uint64_t size;
    if (!hash_param(http_param(r, "sha256"), &hash, &e) || !blobs_get(blobs, &hash, &fd, &size, &e)) {
        http_reply_err(r, &e);
        return;
    }
    http_add_header(r, "Cache-Control", "public, max-age=31536000, immutable");
    http_reply_file(r, 200, type, fd, size);
}

void wasm_get(struct http_request *r, void *ctx) {
    reply_blob(r, ((struct coordinator *)ctx)->blobs, "application/wasm");
}

void cargo_lock_get(struct http_request *r, void *ctx) {
    reply_blob(r, ((struct coordinator *)ctx)->cargo_locks, "text/plain; charset=utf-8");
}

void wasm_exists(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct hash hash;
    struct err e;
    uint64_t size;
    if (!hash_param(http_param(r, "sha256"), &hash, &e)) {
        http_reply_err(r, &e);
        return;
    }
    bool there = blobs_has(c->blobs, &hash, &size);
    http_reply_json(r, 200, json_pack("{s:b, s:I}", "exists", there, "size", (json_int_t)size));
}

void upload_end(struct http_request *r, void *ctx) {
    (void)ctx;
    struct hash hash;
    struct err e;
    uint64_t size;
    char text[65];
    struct blob_upload *u = http_stream_take(r);
    if (!u) {
        err_set(&e, ERR_INVALID, "the body is empty: send the bytes that have that hash");
        http_reply_err(r, &e);
        return;
    }
    if (!hash_param(http_query(r, "sha256"), &hash, &e)) {
        blob_drop(u);
        http_reply_err(r, &e);
        return;
    }
    if (!blob_place(u, &hash, &size, &e))
        http_reply_err(r, &e);
    else
        http_reply_json(r, 201, json_pack("{s:s, s:I}", "sha256", hash_hex(&hash, text), "size", (json_int_t)size));
}
