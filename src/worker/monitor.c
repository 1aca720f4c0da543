// SPDX-License-Identifier: Apache-2.0
#include "worker/monitor.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sync.h"
#include "base/text.h"
#include "http/client.h"
#include "near/blocks.h"
#include "protocol/events.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 5000
#define CURSOR_EVERY_MS 1000 // repeating a few blocks after a crash changes nothing: a request is recorded once

struct monitor {
    struct monitor_settings set;
    struct block_source *blocks;
    struct http_client *http;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    atomic_bool stop;
    uint64_t next, saved, saved_ms;
};

// Sleeps unless it is to end.
static void rest(struct monitor *m, uint64_t ms) {
    uint64_t end = deadline_in(ms);
    pthread_mutex_lock(&m->mutex);
    while (!m->stop && cond_wait_until(&m->woken, &m->mutex, end))
        ;
    pthread_mutex_unlock(&m->mutex);
}

static uint64_t longer(uint64_t ms) { return ms * 2 < RETRY_MAX_MS ? ms * 2 : RETRY_MAX_MS; }

// --- the cursor ------------------------------------------------------------------------------------------------------

static bool read_cursor(struct monitor *m, struct arena *a, bool *found, struct err *e) {
    struct slice text;
    *found = false;
    if (!file_read(a, m->set.cursor_file, 64, &text, e))
        return e->code == ERR_NOT_FOUND;
    while (text.len && text.ptr[text.len - 1] == '\n')
        text.len--;
    uint64_t done;
    if (!text_u64(text, &done)) {
        err_set(e, ERR_CORRUPT, "'%s' holds no block height", m->set.cursor_file);
        return err_hint(e, "remove it and set START_BLOCK_HEIGHT to where the scan shall go on");
    }
    m->next = done + 1;
    *found = true;
    return true;
}

// Everything up to next - 1 has been taken by the coordinator.
static void save_cursor(struct monitor *m, bool at_once) {
    char text[32];
    struct err e;
    if (m->next == m->saved || (!at_once && clock_mono_ms() - m->saved_ms < CURSOR_EVERY_MS))
        return;
    snprintf(text, sizeof text, "%" PRIu64 "\n", m->next - 1);
    if (!file_write_atomic(m->set.cursor_file, slice_str(text), 0600, &e))
        log_err(LOG_WARN, "the scan's place could not be noted", &e);
    m->saved = m->next;
    m->saved_ms = clock_mono_ms();
}

// --- events ----------------------------------------------------------------------------------------------------------

static json_t *context_json(const struct block_logs *b, const struct block_log *log) {
    json_t *o = json_object();
    json_set_u64(o, "block_height", b->height);
    json_set_u64(o, "block_timestamp", b->timestamp_ns);
    json_set_text(o, "transaction_hash", log->tx_hash);
    json_set_text(o, "receipt_id", log->receipt_id);
    json_set_text(o, "predecessor_id", log->predecessor_id);
    json_set_text(o, "signer_id", log->signer_id);
    json_set_text(o, "signer_public_key", log->signer_public_key);
    json_set_u64(o, "gas_burnt", log->gas_burnt);
    return o;
}

static json_t *task_json(const struct monitor *m, const struct block_logs *b, const struct block_log *log,
                         const struct event *x, const char *refused) {
    json_t *o = json_object();
    json_set_text(o, "contract_id", m->set.contract_id);
    json_set_u64(o, "request_id", x->request_id);
    json_object_set_new(o, "context", context_json(b, log));
    char data_id[65];
    if (refused) {
        json_set_text(o, "refused", refused);
        return o;
    }
    event_request_put(o, &x->request);
    json_set_text(o, "data_id", hash_hex(&x->request.data_id, data_id));
    return o;
}

static bool post(struct monitor *m, struct arena *a, const json_t *task, int *status, struct err *e) {
    struct http_call call = {.method = "POST",
                             .url = arena_printf(a, "%s/tasks/create", m->set.api_base_url),
                             .bearer = m->set.api_token,
                             .cancel = &m->stop};
    json_t *answer = NULL;
    *status = 0;
    bool ok = http_call_json(m->http, a, &call, task, status, &answer, e);
    json_decref(answer);
    return ok;
}

// The coordinator understood and will not take it, whatever happens: not a matter of tokens, load or time.
static bool is_final_refusal(int status) { return status == 400 || status == 413 || status == 422; }

// Until the coordinator has it. false: to end.
static bool record(struct monitor *m, const struct block_logs *b, const struct block_log *log, const struct event *x,
                   const char *refused) {
    uint64_t pause = RETRY_FIRST_MS;
    while (!m->stop) {
        SCOPED_ARENA(a);
        struct err e;
        int status;
        SCOPED_JSON(task) = task_json(m, b, log, x, refused);
        if (post(m, a, task, &status, &e))
            return true;
        log_err(LOG_WARN, "the coordinator does not take a request", &e);
        if (is_final_refusal(status)) {
            if (refused)
                return true; // even its refusal is refused: it stands in the log above
            return record(m, b, log, x, arena_printf(a, "the coordinator refused it: %s", e.msg));
        }
        rest(m, pause);
        pause = longer(pause);
    }
    return false;
}

static bool handle_log(struct monitor *m, struct arena *a, const struct block_logs *b, const struct block_log *log) {
    struct event x;
    struct err e;
    if (!event_parse(a, log->text, &x, &e)) {
        log_err(LOG_WARN, arena_printf(a, "block %" PRIu64 ", receipt %s: malformed event", b->height, log->receipt_id),
                &e);
        return !x.has_request_id || x.kind != EVENT_REQUESTED || record(m, b, log, &x, e.msg);
    }
    switch (x.kind) {
    case EVENT_OTHER: return true;
    case EVENT_REQUESTED:
        log_info("request %" PRIu64 " seen in block %" PRIu64, x.request_id, b->height);
        return record(m, b, log, &x, NULL);
    case EVENT_COMPLETED: m->set.completed(m->set.ctx, x.request_id, log->tx_hash, x.text); return true;
    }
    return true;
}

// --- the scan --------------------------------------------------------------------------------------------------------

static bool handle_block(struct monitor *m, struct arena *a, const struct block_logs *b) {
    for (size_t i = 0; i < b->log_count; i++)
        if (!handle_log(m, a, b, &b->logs[i]))
            return false;
    m->next = b->height + 1;
    save_cursor(m, false);
    return true;
}

// The next block; at first where to begin.
static bool step(struct monitor *m, struct arena *a, struct err *e) {
    struct block_logs b;
    if (!m->next)
        return block_source_last(m->blocks, a, &m->next, e);
    if (!block_source_get(m->blocks, a, m->next, m->set.contract_id, &b, e))
        return false;
    (void)!handle_block(m, a, &b); // false: to end, which the caller sees
    return true;
}

static void *scan(void *ctx) {
    struct monitor *m = ctx;
    uint64_t pause = RETRY_FIRST_MS;
    while (!m->stop) {
        SCOPED_ARENA(a);
        struct err e;
        uint64_t asked = clock_mono_ms();
        if (step(m, a, &e)) {
            pause = RETRY_FIRST_MS;
            continue;
        }
        if (m->stop)
            break;
        if (e.code != ERR_NOT_FOUND)
            log_err(LOG_WARN, "no block", &e);
        else if (clock_mono_ms() - asked >= pause) // the server did the waiting
            continue;
        rest(m, pause);
        pause = longer(pause);
    }
    save_cursor(m, true);
    return NULL;
}

bool monitor_start(const struct monitor_settings *s, struct monitor **out, struct err *e) {
    struct monitor *m = xcalloc(1, sizeof *m);
    SCOPED_ARENA(a);
    bool found;
    m->set = *s;
    m->next = s->start_height;
    pthread_mutex_init(&m->mutex, NULL);
    cond_init(&m->woken);
    m->http = http_client_new();
    bool ok = read_cursor(m, a, &found, e) && block_source_new(&m->blocks, s->neardata_url, &m->stop, e);
    m->saved = found ? m->next : 0;
    if (ok && pthread_create(&m->thread, NULL, scan, m) != 0)
        ok = err_set(e, ERR_IO, "cannot start a thread");
    if (!ok) {
        block_source_free(m->blocks);
        http_client_free(m->http);
        free(m);
        return false;
    }
    *out = m;
    return true;
}

void monitor_stop(struct monitor *m) {
    if (!m)
        return;
    pthread_mutex_lock(&m->mutex);
    m->stop = true;
    pthread_cond_signal(&m->woken);
    pthread_mutex_unlock(&m->mutex);
    pthread_join(m->thread, NULL);
    block_source_free(m->blocks);
    http_client_free(m->http);
    pthread_cond_destroy(&m->woken);
    pthread_mutex_destroy(&m->mutex);
    free(m);
}
