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

void held_file_write(const char *path, struct arena *a, const struct held_note *notes, size_t n) {
    SCOPED_JSON(list) = json_array();
    struct err e;
    if (!n) {
        remove_file(path);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_object();
        json_set_text(one, "contract_id", notes[i].id.contract_id);
        json_set_u64(one, "request_id", notes[i].id.request_id);
        json_set_text(one, "token", notes[i].id.token);
        json_object_set_new(one, "retry", json_boolean(!notes[i].for_good));
        json_array_append_new(list, one);
    }
    if (!file_write_unsynced(path, slice_str(json_text(a, list)), 0600, &e))
        log_err(LOG_WARN, "the leases that are held are not noted", &e);
}

// An earlier version's says nothing of `retry`: all was to be tried again.
static bool read_note(struct held_note *out, const json_t *j) {
    out->for_good = json_is_false(json_object_get(j, "retry"));
    return json_get_text(j, "contract_id", &out->id.contract_id, NULL) &&
           json_get_u64(j, "request_id", &out->id.request_id, NULL) && json_get_text(j, "token", &out->id.token, NULL);
}

size_t held_file_take(const char *path, const char *pending_dir, struct arena *a, struct held_note **out) {
    struct slice text;
    struct held_note x;
    size_t n = 0;
    *out = NULL;
    if (!file_read(a, path, FILE_MAX, &text, NULL))
        return 0;
    SCOPED_JSON(list) = json_parse(text, FILE_MAX, NULL);
    *out = arena_calloc(a, json_array_size(list) + 1, sizeof **out);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (read_note(&x, json_array_get(list, i)) && !journal_has(pending_dir, a, x.id.contract_id, x.id.request_id))
            (*out)[n++] = (struct held_note){
                {arena_strdup(a, x.id.contract_id), arena_strdup(a, x.id.token), x.id.request_id}, x.for_good};
    remove_file(path);
    return n;
}
