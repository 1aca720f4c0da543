// SPDX-License-Identifier: Apache-2.0
// `outlayer tee measure FILE`: what a compose file of dstack will be measured as, on any machine.
#include "cli/tee_job.h"

#include "base/file.h"
#include "cli/commands.h"
#include "codec/hex.h"
#include "tee/compose.h"

#define ID_SIZE 20

static bool read_id(struct slice *out, struct arena *a, const char *option, const char *text, struct err *e) {
    if (!text)
        return true;
    struct err bad;
    if (hex_decode(out, a, slice_str(text), &bad) && out->len == ID_SIZE)
        return true;
    return err_set(e, ERR_USAGE, "%s '%.60s' is not %d bytes in hexadecimal", option, text, ID_SIZE);
}

static bool read_storage(struct slice *out, const char *text, struct err *e) {
    if (!text || strcmp(text, "none") == 0)
        return true;
    *out = slice_str(text);
    return strcmp(text, "zfs") == 0 || strcmp(text, "ext4") == 0 ||
           err_set(e, ERR_USAGE, "--storage-fs '%.20s' is neither zfs, ext4 nor none", text);
}

// The event's payload is JSON that dstack writes itself. What looks otherwise would give a register that no machine
// has.
static bool read_provider(struct slice *out, bool *service, const char *text, struct err *e) {
    if (!text)
        return true;
    const char *name = "", *id;
    struct err bad;
    SCOPED_JSON(j) = json_parse(slice_str(text), COMPOSE_MAX, &bad);
    *out = slice_str(text);
    if (j && json_get_text(j, "name", &name, &bad) && json_get_text(j, "id", &id, &bad)) {
        *service = strcmp(name, "kms") == 0;
        return true;
    }
    err_set(e, ERR_USAGE, "--key-provider: %s", bad.msg);
    return err_hint(e, "it is the payload of the event key-provider, for example {\"name\":\"kms\",\"id\":\"30…\"}");
}

struct measured {
    struct compose compose;
    struct boot_facts facts;
    const char *unknown; // what RTMR3 also depends on and was not given; NULL: nothing
};

// What is measured beside the events that are known is not guessed.
static const char *what_is_unknown(const struct tee_job *j, const struct measured *m, bool service) {
    bool instance = m->compose.no_instance_id || m->facts.instance_id.len;
    const char *all = arena_printf(
        j->a, "%s%s%s%s%s", instance ? "" : ", --instance-id", m->facts.key_provider.len ? "" : ", --key-provider",
        j->o->storage_fs ? "" : ", --storage-fs", service ? ", what the key service says" : "",
        m->compose.init_script ? ", whether its dstack measures init scripts" : "");
    return all[0] ? all + 2 : NULL;
}

static bool measure(struct tee_job *j, struct measured *m, struct err *e) {
    struct slice file;
    bool service = false;
    if (!j->o->file) {
        err_set(e, ERR_USAGE, "no compose file given");
        return err_hint(e, "outlayer tee measure app-compose.json");
    }
    if (!file_read(j->a, j->o->file, COMPOSE_MAX, &file, e) || !compose_parse(&m->compose, j->a, file, e) ||
        !read_id(&m->facts.app_id, j->a, "--app-id", j->o->app_id, e) ||
        !read_id(&m->facts.instance_id, j->a, "--instance-id", j->o->instance_id, e) ||
        !read_provider(&m->facts.key_provider, &service, j->o->key_provider, e) ||
        !read_storage(&m->facts.storage_fs, j->o->storage_fs, e))
        return false;
    if (m->compose.no_instance_id && m->facts.instance_id.len)
        return err_set(e, ERR_USAGE, "'%s' says no_instance_id: its machines have none", j->o->file);
    m->unknown = what_is_unknown(j, m, service);
    return true;
}

static const char *register_hex(struct arena *a, const struct td_register *r) {
    return hex_text(a, slice_of(r->b, sizeof r->b));
}

static void show(const struct tee_job *j, const json_t *result, const char *unknown) {
    static const struct {
        const char *key, *what;
    } rows[] = {{"name", "name"},
                {"compose_hash", "compose hash"},
                {"app_id", "app id"},
                {"mr_config_id", "MRCONFIGID"},
                {"key_provider_hash", "key provider"},
                {"rtmr3", "RTMR3"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *text = json_string_value(json_object_get(result, rows[i].key));
        if (text && text[0])
            printf("%-14s%s\n", rows[i].what, printable(j->a, slice_str(text)));
    }
    if (unknown)
        printf("RTMR3         also depends on %s; an image is approved by its compose hash without it\n", unknown);
}

bool tee_run_measure(struct tee_job *j, struct err *e) {
    struct measured m = {0};
    char hex[65];
    if (!measure(j, &m, e))
        return false;
    struct td_register config = compose_config_id(&m.compose);
    struct slice app_id = m.facts.app_id.len ? m.facts.app_id : slice_of(m.compose.hash.b, ID_SIZE);
    json_t *result = json_object();
    json_set_text(result, "name", m.compose.name);
    json_set_text(result, "compose_hash", hash_hex(&m.compose.hash, hex));
    json_set_text(result, "app_id", hex_text(j->a, app_id));
    json_set_text(result, "mr_config_id", m.compose.v2 ? NULL : register_hex(j->a, &config)); // 0.6 has another one
    struct hash provider = sha256(m.facts.key_provider);
    json_set_text(result, "key_provider_hash", m.facts.key_provider.len ? hash_hex(&provider, hex) : NULL);
    struct td_register rtmr3 = compose_rtmr3(&m.compose, &m.facts);
    json_set_text(result, "rtmr3", m.unknown ? NULL : register_hex(j->a, &rtmr3));
    if (!j->o->json)
        show(j, result, m.unknown);
    tee_finish(j, result);
    return true;
}
