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

// false: the coordinator cannot be asked now.
static bool give_back(struct api *api, struct arena *a, const struct lease_id *id) {
    struct err e;
    if (api_fail(api, a, id, "the worker that held it was ended, and has started anew", true, &e)) {
        log_info("given back request=%" PRIu64 " contract=%s: it was held when the worker was ended", id->request_id,
                 id->contract_id);
        return true;
    }
    if (e.code == ERR_LEASE_LOST) // it is over, or somebody else's by now
        return true;
    log_err(LOG_WARN, "returning what was held when the worker was ended", &e);
    return false;
}

void held_file_return(const char *path, const char *pending_dir, struct api *api) {
    SCOPED_ARENA(a);
    struct slice text;
    struct lease_id id;
    if (!file_read(a, path, FILE_MAX, &text, NULL))
        return;
    SCOPED_JSON(list) = json_parse(text, FILE_MAX, NULL);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (read_id(&id, json_array_get(list, i)) && !journal_has(pending_dir, a, id.contract_id, id.request_id) &&
            !give_back(api, a, &id))
            break;
    remove_file(path);
}
