// SPDX-License-Identifier: Apache-2.0
#include "queue/timeline.h"

#include "base/text.h"
#include "codec/json.h"
#include <inttypes.h>

static void add_text(struct buf *out, const char *name, const char *value, size_t max) {
    if (!value || !value[0])
        return;
    SCOPED_ARENA(a);
    SCOPED_JSON(text) = json_of_bytes(arena_text(a, slice_of(value, text_cut(value, max))));
    buf_printf(out, ",\"%s\":%s", name, json_text(a, text));
}

void timeline_add(struct buf *timeline, const struct timeline_step *s, bool is_end) {
    if (timeline->len > TIMELINE_MAX && !is_end)
        return;
    buf_printf(timeline, "{\"stage\":\"%s\",\"at_ms\":%" PRIu64, s->stage, s->at_ms);
    add_text(timeline, "worker_id", s->worker_id, SIZE_MAX / 2);
    if (s->attempt)
        buf_printf(timeline, ",\"attempt\":%u", s->attempt);
    add_text(timeline, "reason", s->reason, TIMELINE_REASON_MAX);
    buf_add_str(timeline, "},");
}

const char *timeline_json(struct arena *a, uint64_t created_ms, const char *timeline) {
    size_t n = timeline ? strlen(timeline) : 0;
    n -= n && timeline[n - 1] == ',';
    return arena_printf(a, "[{\"stage\":\"recorded\",\"at_ms\":%" PRIu64 "}%s%.*s]", created_ms, n ? "," : "", (int)n,
                        n ? timeline : "");
}
