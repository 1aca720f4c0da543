// SPDX-License-Identifier: Apache-2.0
// What has changed, as this process alone knows it: after a restart everybody starts anew. `seq` is NAME.N: the process
// and how many changes it had seen.
#include "base/text.h"
#include "queue/local.h"
#include <inttypes.h>

void item_changed(struct local *l, const struct item *x) {
    l->changes[l->change_count++ % LOCAL_CHANGES] = x->execution_id;
    if (l->config.changed)
        l->config.changed(l->config.ctx);
}

// Of which change on; false: it is not known.
static bool since_of(const struct local *l, const char *since, uint64_t *n) {
    size_t len = strlen(l->since_start);
    return since && strncmp(since, l->since_start, len) == 0 && since[len] == '.' &&
           text_u64(slice_str(since + len + 1), n) && *n <= l->change_count && l->change_count - *n <= LOCAL_CHANGES;
}

static bool is_listed(const int64_t *ids, size_t n, int64_t id) {
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static void take_ids(struct local *l, struct queue_changes *x, int64_t *ids) {
    uint64_t from;
    pthread_mutex_lock(&l->mutex);
    snprintf(x->seq, sizeof x->seq, "%s.%" PRIu64, l->since_start, l->change_count);
    x->unknown = !since_of(l, x->since, &from);
    for (uint64_t at = l->change_count; !x->unknown && !x->more && at > from; at--) {
        int64_t id = l->changes[(at - 1) % LOCAL_CHANGES];
        if (is_listed(ids, x->count, id))
            continue;
        x->more = x->count == QUEUE_CHANGES_MAX;
        if (!x->more)
            ids[x->count++] = id;
    }
    pthread_mutex_unlock(&l->mutex);
}

bool local_changes(struct queue *q, struct db *db, struct queue_changes *x, struct arena *a, struct buf *out,
                   struct err *e) {
    struct local *l = (struct local *)q;
    int64_t ids[QUEUE_CHANGES_MAX];
    take_ids(l, x, ids);
    return local_list_ids(l, db, ids, x->count, a, out, e);
}
