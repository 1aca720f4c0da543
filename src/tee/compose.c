// SPDX-License-Identifier: Apache-2.0
#include "tee/compose.h"

#include "base/buf.h"
#include "codec/borsh.h"
#include "codec/hex.h"
#include "codec/json.h"
#include <inttypes.h>
#include <openssl/evp.h>

#define EVENT_TYPE 0x08000001u // of everything that dstack measures
#define EVENT_MAX (64u << 10)
#define APP_ID_SIZE 20

bool compose_parse(struct compose *out, struct arena *a, struct slice file, struct err *e) {
    SCOPED_JSON(j) = json_parse_big(file, COMPOSE_MAX, e);
    const char *name = "", *inner;
    *out = (struct compose){.hash = sha256(file), .name = ""};
    if (!j)
        return err_wrap(e, "the compose file");
    if (!json_is_object(j) || !json_get_text(j, "docker_compose_file", &inner, e)) {
        err_set(e, ERR_INVALID, "this is no compose file of dstack: it has no docker_compose_file");
        return err_hint(e, "it is app-compose.json, which has the docker-compose.yaml in it");
    }
    uint64_t log_version = 1;
    if (!json_opt_text(j, "name", &name, e) || !json_opt_bool(j, "no_instance_id", &out->no_instance_id, e) ||
        !json_opt_u64(j, "event_log_version", &log_version, e))
        return err_wrap(e, "the compose file");
    if (log_version != 1 && log_version != 2)
        return err_set(e, ERR_INVALID, "the compose file: event_log_version %" PRIu64 " is neither 1 nor 2",
                       log_version);
    const json_t *scripts = json_object_get(j, "init_script");
    out->v2 = log_version == 2;
    out->init_script = json_is_string(scripts) || json_array_size(scripts);
    out->name = arena_strdup(a, name);
    return true;
}

struct td_register compose_config_id(const struct compose *c) {
    struct td_register r = {{1}};
    memcpy(r.b + 1, c->hash.b, sizeof c->hash.b);
    return r;
}

static void sha384(uint8_t out[static TD_REGISTER_SIZE], struct slice bytes) {
    BUG_ON(EVP_Digest(bytes.ptr, bytes.len, out, NULL, EVP_sha384(), NULL) != 1);
}

static void extend(struct td_register *r, const struct buf *preimage) {
    uint8_t both[2 * TD_REGISTER_SIZE];
    BUG_ON(preimage->full);
    memcpy(both, r->b, sizeof r->b);
    sha384(both + TD_REGISTER_SIZE, buf_slice(preimage));
    sha384(r->b, slice_of(both, sizeof both));
}

void register_extend(struct td_register *r, const char *event, struct slice payload) {
    SCOPED_BUF(b, EVENT_MAX + COMPOSE_MAX);
    borsh_put_u32(&b, EVENT_TYPE);
    buf_printf(&b, ":%s:", event);
    buf_add_slice(&b, payload);
    extend(r, &b);
}

void register_extend_v2(struct td_register *r, const char *event, struct slice payload) {
    SCOPED_BUF(b, EVENT_MAX + 2 * COMPOSE_MAX);
    SCOPED_ARENA(a);
    buf_printf(&b, "{\"name\":\"%s\",\"payload\":\"%s\",\"type\":%u}", event, hex_text(a, payload), EVENT_TYPE);
    extend(r, &b);
}

struct td_register compose_rtmr3(const struct compose *c, const struct boot_facts *f) {
    const struct slice none = {0};
    const struct {
        const char *event;
        struct slice payload;
    } events[] = {{"system-preparing", none},
                  {"app-id", f->app_id.len ? f->app_id : slice_of(c->hash.b, APP_ID_SIZE)},
                  {"compose-hash", hash_slice(&c->hash)},
                  {"instance-id", f->instance_id},
                  {"boot-mr-done", none},
                  {"key-provider", f->key_provider},
                  {f->storage_fs.len ? "storage-fs" : NULL, f->storage_fs},
                  {"system-ready", none}};
    struct td_register r = {0};
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        if (events[i].event)
            (c->v2 ? register_extend_v2 : register_extend)(&r, events[i].event, events[i].payload);
    return r;
}
