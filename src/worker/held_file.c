// SPDX-License-Identifier: Apache-2.0
#include "worker/held_file.h"

#include "base/file.h"
#include "base/log.h"
#include "worker/journal.h"
#include <errno.h>
#include <inttypes.h>

#define FILE_MAX (1u << 20)

static void remove_file(const char *path) {
    if (unlink(path) != 0 && errno != ENOENT)
        log_warn("cannot remove '%s': %s", path, strerror(errno));
}

void held_file_write(const char *path, struct arena *a, const struct lease_id *ids, size_t n) {
    SCOPED_JSON(list) = json_array();
    struct err e;
    if (!n) {
        remove_file(path);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_object();
        json_set_text(one, "contract_id", ids[i].contract_id);
        json_set_u64(one, "request_id", ids[i].request_id);
        json_set_text(one, "token", ids[i].token);
        json_array_append_new(list, one);
    }
    if (!file_write_unsynced(path, slice_str(json_text(a, list)), 0600, &e))
        log_err(LOG_WARN, "the leases that are held are not noted", &e);
}

static bool read_id(struct lease_id *out, const json_t *j) {
    return json_get_text(j, "contract_id", &out->contract_id, NULL) &&
           json_get_u64(j, "request_id", &out->request_id, NULL) && json_get_text(j, "token", &out->token, NULL);
}

size_t held_file_take(const char *path, const char *pending_dir, struct arena *a, struct lease_id **out) {
    struct slice text;
    struct lease_id id;
    size_t n = 0;
    *out = NULL;
    if (!file_read(a, path, FILE_MAX, &text, NULL))
        return 0;
    SCOPED_JSON(list) = json_parse(text, FILE_MAX, NULL);
    *out = arena_calloc(a, json_array_size(list) + 1, sizeof **out);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (read_id(&id, json_array_get(list, i)) && !journal_has(pending_dir, a, id.contract_id, id.request_id))
            (*out)[n++] = (struct lease_id){arena_strdup(a, id.contract_id), arena_strdup(a, id.token), id.request_id};
    remove_file(path);
    return n;
}
