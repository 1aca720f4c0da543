// SPDX-License-Identifier: Apache-2.0
#include "simulator/sim.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "codec/json.h"

#define OVERSIZE (1u << 20)

int64_t sim_now(const struct sim *s) { return (int64_t)(s->at ? s->at : clock_wall_ms() / 1000); }

bool sim_control(struct sim *s, struct http_request *r, struct control *out) {
    struct err e;
    if (control_read(out, http_arena(r), s->control_path, s->quote_ms, &e))
        return true;
    log_err(LOG_ERROR, "the control file is not obeyed", &e);
    sim_reply_error(r, 500, e.msg);
    return false;
}

void sim_reply(struct http_request *r, int status, json_t *j) {
    char *text = json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(j);
    BUG_ON(!text);
    struct slice body = arena_copy(http_arena(r), slice_str(text));
    free(text);
    http_add_header(r, "Connection", "close");
    http_reply(r, status, "application/json", body);
}

void sim_reply_error(struct http_request *r, int status, const char *text) {
    json_t *o = json_object();
    json_set_text(o, "error", text);
    sim_reply(r, status, o);
}

// --- faults

static void stay_silent(struct sim *s, struct http_request *r) {
    pthread_mutex_lock(&s->lock);
    bool room = !s->stopping && s->silent_count < SIM_SILENT_MAX;
    if (room)
        s->silent[s->silent_count++] = r;
    pthread_mutex_unlock(&s->lock);
    if (!room)
        sim_reply_error(r, 503, "more clients wait in vain than the simulator keeps");
}

static void answer_half(struct http_request *r) {
    const struct slice start = SLICE_LIT("{\"quote\":\"0400020081000000");
    http_add_header(r, "Connection", "close");
    http_reply_cut(r, 200, "application/json", start, 2 * start.len);
}

static void answer_oversize(struct http_request *r) {
    char *text = arena_alloc(http_arena(r), OVERSIZE + 1);
    memset(text, '0', OVERSIZE);
    text[OVERSIZE] = 0;
    json_t *o = json_object();
    json_set_text(o, "quote", text);
    sim_reply(r, 200, o);
}

static void answer_limit(struct http_request *r) {
    http_add_header(r, "Retry-After", "1");
    sim_reply_error(r, 429, "too many requests");
}

bool sim_misbehave(struct sim *s, struct http_request *r, enum sim_fault fault) {
    switch (fault) {
    case SIM_OK:
    case SIM_LYING:
    case SIM_STALE: return false;
    case SIM_BUSY: sim_reply_error(r, 500, "Failed to get quote: Device or resource busy (os error 16)"); return true;
    case SIM_ERROR: sim_reply_error(r, 500, "the simulator was told to fail"); return true;
    case SIM_SILENT: stay_silent(s, r); return true;
    case SIM_HALF: answer_half(r); return true;
    case SIM_OVERSIZE: answer_oversize(r); return true;
    case SIM_GARBAGE:
        http_add_header(r, "Connection", "close");
        http_reply(r, 200, "application/json", SLICE_LIT("<html>it works</html>"));
        return true;
    case SIM_UNAVAILABLE: sim_reply_error(r, 503, "the service is down"); return true;
    case SIM_TOO_MANY: answer_limit(r); return true;
    case SIM_GONE: sim_reply_error(r, 410, "this is no longer served"); return true;
    case SIM_MISSING: sim_reply_error(r, 404, "there is nothing of that name"); return true;
    }
    return false;
}

void sim_stop(struct sim *s) {
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->changed);
    size_t n = s->silent_count;
    s->silent_count = 0;
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < n; i++)
        sim_reply_error(s->silent[i], 503, "the simulator is stopping");
}
