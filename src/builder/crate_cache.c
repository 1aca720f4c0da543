// SPDX-License-Identifier: Apache-2.0
#include "builder/crate_cache.h"

#include "base/buf.h"
#include "base/log.h"
#include "blobs/blobs.h"
#include "builder/cargo_lock.h"

// Where cargo keeps downloads of the public registry; the number is its own hash of that registry's address. Under
// another one nothing would be found, and all downloaded.
#define CARGO_KEEPS JOB_CARGO "/registry/cache/index.crates.io-1949cf8c6b5b557f"
#define CRATES_MAX 1000
#define CRATE_MAX (32u << 20)

// Whether it is here, whole. Read again each time: a disk forgets. What is damaged goes, so that it is kept anew.
static bool is_whole(struct blobs *b, const struct locked_crate *c) {
    struct err e;
    uint64_t size;
    uint8_t piece[65536];
    ssize_t n;
    int fd;
    struct sha256 s;
    if (!blobs_get(b, &c->hash, &fd, &size, &e))
        return false;
    sha256_init(&s);
    while ((n = read(fd, piece, sizeof piece)) > 0)
        sha256_add(&s, slice_of(piece, (size_t)n));
    close(fd);
    struct hash got = sha256_end(&s);
    if (n == 0 && hash_eq(&got, &c->hash))
        return true;
    log_warn("the kept download of %s is damaged and not used", c->file);
    blobs_remove(b, &c->hash);
    return false;
}

bool crate_cache_lay_out(struct job *j, struct slice lock) {
    static const char script[] = "mkdir -p \"$1\"; printf %s \"$2\" | while read -r hash file; do ln -sf "
                                 "\"" CRATE_CACHE_MOUNT "/$hash\" \"$1/$file\"; done";
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct blobs *b = j->builder->crates;
    struct locked_crate c;
    struct sandbox_result r;
    char hex[65];
    SCOPED_BUF(list, 100000); // an argument has 128 KiB
    for (unsigned n = 0; b && n < CRATES_MAX && cargo_lock_next(&lock, &c); n++) {
        if (patience_over(&j->patience)) // a lock may name large ones, and one of them many times
            return patience_fail(&j->patience, "the look at kept downloads", j->e) || job_fail(j);
        if (is_whole(b, &c) && list.len + sizeof c.file + sizeof hex + 2 < list.cap)
            buf_printf(&list, "%s %s\n", hash_hex(&c.hash, hex), c.file);
    }
    if (!list.len)
        return true;
    const char *argv[] = {"/bin/sh", "-ec", script, "sh", CARGO_KEEPS, buf_str(&list), NULL};
    struct sandbox_command command = {.argv = argv, .env = env, .ours = true};
    return job_run(j, &command, &r);
}

static void keep(struct blobs *b, const struct locked_crate *c, struct slice bytes) {
    struct blob_upload *u;
    struct err e;
    uint64_t size;
    struct hash h = sha256(bytes);
    if (!hash_eq(&h, &c->hash) || !blob_begin(b, &u, &e))
        return;
    if (!blob_add(u, bytes, &e)) {
        blob_drop(u);
        log_err(LOG_WARN, "a download is not kept", &e);
    } else if (!blob_place(u, &c->hash, &size, &e)) {
        log_err(LOG_WARN, "a download is not kept", &e);
    }
}

bool crate_cache_keep(struct job *j, struct slice lock) {
    struct blobs *b = j->builder->crates;
    struct locked_crate c;
    uint64_t size;
    for (unsigned n = 0; b && n < CRATES_MAX && cargo_lock_next(&lock, &c); n++) {
        SCOPED_ARENA(a);
        struct slice bytes;
        struct err e;
        if (blobs_has(b, &c.hash, &size))
            continue;
        if (sandbox_read(j->box, a, arena_printf(a, CARGO_KEEPS "/%s", c.file), CRATE_MAX, &bytes, &e))
            keep(b, &c, bytes);
        else if (e.code != ERR_NOT_FOUND && e.code != ERR_TOO_LARGE && e.code != ERR_INVALID) {
            *j->e = e;
            return job_fail(j);
        }
    }
    return true;
}
