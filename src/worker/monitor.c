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
#include "worker/pace.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 5000
#define SKIPPED_MAX 50 // heights in a row without a block: then it is asked where the chain ends
#define GAPS_MAX 10    // how often a block that no server shows is asked for
#define BACK_FIRST 64u // blocks
#define BACK_MAX (1u << 20)
#define REFUSED_MS 30000 // how long something on the way to the coordinator may refuse a request that is well formed
#define TOLD_EVERY_MS 60000
#define CURSOR_EVERY_MS 1000 // repeating a few blocks after a crash changes nothing: a request is recorded once

struct monitor {
    struct monitor_settings set;
    struct block_source *blocks;
    struct http_client *http;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    atomic_bool stop;
    uint64_t missed_ns; // guarded by mutex: go back to before it; 0: no need
    uint64_t next, saved, saved_ms, told_ms;
    _Atomic uint64_t last; // the last block that was taken whole, as long as all heights up to it are known; 0: none
    uint64_t floor;        // no height before it is of interest
    unsigned skipped;      // heights in a row
    struct pace pace;
    unsigned gaps; // how often in a row a block named one before it that was not shown
};

uint64_t monitor_cursor(const struct monitor *m) { return atomic_load(&m->last); }

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

// "HEIGHT START": the last block that was taken, and the START_BLOCK_HEIGHT at that time; a file of before has no
// START.
static bool parse_cursor(struct slice text, uint64_t *done, uint64_t *start, bool *has_start) {
    const uint8_t *space = memchr(text.ptr, ' ', text.len);
    size_t n = space ? (size_t)(space - text.ptr) : text.len;
    *has_start = space;
    return text_u64(slice_of(text.ptr, n), done) && (!space || text_u64(slice_skip(text, n + 1), start));
}

// Leaves next at 0 where the scan begins with the latest block.
static bool read_cursor(struct monitor *m, struct arena *a, struct err *e) {
    struct slice text;
    uint64_t done, start;
    bool has_start;
    m->next = m->floor = m->set.start_height;
    if (!file_read(a, m->set.cursor_file, 64, &text, e))
        return e->code == ERR_NOT_FOUND;
    while (text.len && text.ptr[text.len - 1] == '\n')
        text.len--;
    if (!parse_cursor(text, &done, &start, &has_start)) {
        err_set(e, ERR_CORRUPT, "'%s' holds no block height", m->set.cursor_file);
        return err_hint(e, "remove it and set START_BLOCK_HEIGHT to where the scan shall go on");
    }
    if (has_start && m->set.start_height && m->set.start_height != start) {
        log_warn("START_BLOCK_HEIGHT has changed: the scan goes on at block %" PRIu64 " and not behind %" PRIu64,
                 m->next, done);
        return true;
    }
    m->last = m->saved = done;
    m->next = m->floor = done + 1;
    return true;
}

// Everything up to the last block has been taken by the coordinator.
static void save_cursor(struct monitor *m, bool at_once) {
    char text[64];
    struct err e;
    if (!m->last || m->last == m->saved || (!at_once && clock_mono_ms() - m->saved_ms < CURSOR_EVERY_MS))
        return;
    snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64 "\n", m->last, m->set.start_height);
    if (!file_write_atomic(m->set.cursor_file, slice_str(text), 0600, &e))
        log_err(LOG_WARN, "the scan's place could not be noted", &e);
    m->saved = m->last;
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
    json_set_u64(o, "dead_at_ms", pace_window_end(&m->pace, b->timestamp_ns));
    char data_id[65];
    if (refused) {
        json_set_text(o, "refused", refused);
        return o;
    }
    event_request_put(o, &x->request);
    json_set_text(o, "data_id", hash_hex(&x->request.data_id, data_id));
    return o;
}

// The coordinator itself understood and will not take it, whatever happens: not a matter of tokens, load or time, and
// not a proxy's page.
static bool is_final_refusal(int status, const json_t *answer) {
    const char *code = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));
    return code && (status == 400 || status == 413 || status == 422) &&
           (strcmp(code, err_slug(ERR_INVALID)) == 0 || strcmp(code, err_slug(ERR_TOO_LARGE)) == 0 ||
            strcmp(code, err_slug(ERR_LIMIT)) == 0);
}

static bool post(struct monitor *m, struct arena *a, const json_t *task, int *status, bool *final, struct err *e) {
    struct http_call call = {.method = "POST",
                             .url = arena_printf(a, "%s/tasks/create?network=%s", m->set.api_base_url,
                                                 http_percent_encode(a, m->set.network)),
                             .bearer = m->set.api_token,
                             .request_id = log_trace(),
                             .body = slice_str(json_text(a, task)),
                             .cancel = &m->stop};
    struct http_answer answer;
    *status = 0;
    *final = false;
    if (!http_call(m->http, a, &call, &answer, e))
        return false;
    *status = answer.status;
    SCOPED_JSON(j) = answer.body.len ? json_parse(answer.body, answer.body.len, NULL) : NULL;
    if (answer.status < 300)
        return j || !answer.body.len || err_set(e, ERR_UNAVAILABLE, "what answers for the coordinator is none");
    const char *message = json_string_value(json_object_get(json_object_get(j, "error"), "message"));
    *final = is_final_refusal(answer.status, j);
    return message ? err_set(e, ERR_INVALID, "%s", message)
                   : err_set(e, ERR_UNAVAILABLE, "status %d from something before the coordinator", answer.status);
}

// Until the coordinator has it. false: to end.
static bool record(struct monitor *m, const struct block_logs *b, const struct block_log *log, const struct event *x,
                   const char *refused) {
    uint64_t pause = RETRY_FIRST_MS, patience = deadline_in(REFUSED_MS);
    while (!m->stop) {
        SCOPED_ARENA(a);
        struct err e;
        int status;
        bool final;
        SCOPED_JSON(task) = task_json(m, b, log, x, refused);
        if (post(m, a, task, &status, &final, &e))
            return true;
        log_err(final ? LOG_ERROR : LOG_WARN, arena_printf(a, "request %" PRIu64 " is not recorded", x->request_id),
                &e);
        // A proxy that will not let it through keeps nobody else's request back: what is short about it is recorded.
        bool stuck = status >= 400 && status < 500 && status != 401 && status != 403 && status != 429 &&
                     clock_mono_ms() > patience;
        if (final || (stuck && !refused)) {
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
    if (!event_parse(&x, a, log->text, &e)) {
        log_err(LOG_ERROR,
                arena_printf(a, "block %" PRIu64 ", receipt %s: an event of the contract cannot be read", b->height,
                             log->receipt_id),
                &e);
        return !x.has_request_id || x.kind != EVENT_REQUESTED || record(m, b, log, &x, e.msg);
    }
    switch (x.kind) {
    case EVENT_OTHER: return true;
    case EVENT_REQUESTED:
        log_request_of(m->set.contract_id, x.request_id);
        log_info("request %" PRIu64 " seen in block %" PRIu64, x.request_id, b->height);
        bool recorded = record(m, b, log, &x, NULL);
        log_request(NULL);
        return recorded;
    case EVENT_COMPLETED:
        if (x.has_request_id)
            m->set.completed(m->set.ctx, x.request_id, log->tx_hash, x.text);
        return true;
    }
    return true;
}

// --- the scan --------------------------------------------------------------------------------------------------------

// Back to behind the last block that was taken, to ask another server.
static bool go_back(struct monitor *m) {
    m->next = m->last ? m->last + 1 : m->floor;
    m->skipped = 0;
    block_source_next(m->blocks);
    return false;
}

// A block names the one before it: all heights between were skipped rightly, or something was not shown.
static bool follows(struct monitor *m, const struct block_logs *b, struct err *e) {
    uint64_t expected = m->last ? m->last : m->floor ? m->floor - 1 : 0;
    bool good = !b->has_prev || (m->last ? b->prev_height == expected : b->prev_height <= expected);
    if (good || (m->last && b->height <= m->last)) {
        m->gaps = 0;
        return true;
    }
    if (++m->gaps > GAPS_MAX) {
        log_error("block %" PRIu64 " is shown by no server, though block %" PRIu64
                  " names it as the one before: the scan goes on without it",
                  b->prev_height, b->height);
        m->gaps = 0;
        return true;
    }
    err_set(e, ERR_UNAVAILABLE,
            "block %" PRIu64 " names %" PRIu64 " as the one before it, and the last one shown was %" PRIu64, b->height,
            b->prev_height, expected);
    return go_back(m);
}

// A server that knows nothing says of all heights that they were skipped.
static bool skip(struct monitor *m, struct arena *a, struct err *e) {
    uint64_t head;
    m->next++;
    if (++m->skipped % SKIPPED_MAX != 0)
        return true;
    if (!block_source_last(m->blocks, a, &head, e))
        return go_back(m);
    if (m->next <= head)
        return true;
    err_set(e, ERR_UNAVAILABLE, "the block source says of %u heights beyond its last block that they were skipped",
            m->skipped);
    return go_back(m);
}

static bool handle_block(struct monitor *m, struct arena *a, const struct block_logs *b) {
    pace_see(&m->pace, b->height, b->timestamp_ns, m->set.api ? api_now_ms(m->set.api) : clock_wall_ms());
    for (size_t i = 0; i < b->log_count; i++)
        if (!handle_log(m, a, b, &b->logs[i]))
            return false;
    m->last = b->height;
    m->next = b->height + 1;
    if (m->set.took)
        m->set.took(m->set.ctx, b->height);
    m->skipped = 0;
    save_cursor(m, false);
    return true;
}

// --- going back

void monitor_go_back(struct monitor *m, uint64_t timestamp_ns) {
    pthread_mutex_lock(&m->mutex);
    if (!m->missed_ns || timestamp_ns < m->missed_ns)
        m->missed_ns = timestamp_ns;
    pthread_cond_signal(&m->woken);
    pthread_mutex_unlock(&m->mutex);
}

// The block of this height, or the next one above it, and its time.
static bool block_near(struct monitor *m, struct arena *a, uint64_t *height, uint64_t *time_ns, struct err *e) {
    for (int i = 0; i < SKIPPED_MAX; i++, ++*height) {
        bool skipped;
        if (!block_source_time(m->blocks, a, *height, time_ns, &skipped, e))
            return false;
        if (!skipped)
            return true;
    }
    return err_set(e, ERR_UNAVAILABLE, "there is no block near height %" PRIu64, *height);
}

// A block that was made before this time: further and further back, as blocks have no pace that can be relied on.
static bool block_before(struct monitor *m, struct arena *a, uint64_t ns, uint64_t *height, struct err *e) {
    for (uint64_t back = BACK_FIRST; back < BACK_MAX; back *= 2) {
        uint64_t made_ns;
        *height = m->last > back ? m->last - back : 1;
        bool low = m->last <= back;
        if (!block_near(m, a, height, &made_ns, e))
            return false;
        if (made_ns < ns || low)
            return true;
    }
    return err_set(e, ERR_LIMIT, "it lies more than %u blocks back", BACK_MAX);
}

static void take_missed(struct monitor *m, struct arena *a) {
    uint64_t height, ns;
    struct err e;
    pthread_mutex_lock(&m->mutex);
    ns = m->missed_ns;
    m->missed_ns = 0;
    pthread_mutex_unlock(&m->mutex);
    if (!ns || !m->last)
        return;
    if (!block_before(m, a, ns, &height, &e)) {
        log_err(LOG_ERROR, "the blocks of a missed request are not read again", &e);
        return;
    }
    log_warn("reading blocks again from %" PRIu64 " on, where %" PRIu64 " was reached", height, m->last);
    m->last = height < m->last ? height : m->last;
    m->next = m->last + 1;
    m->skipped = 0;
}

// The next block; at first where to begin.
static bool step(struct monitor *m, struct arena *a, struct err *e) {
    struct block_logs b;
    if (!m->next) {
        if (!block_source_last(m->blocks, a, &m->next, e))
            return false;
        m->floor = m->next;
        return true;
    }
    take_missed(m, a);
    if (!block_source_get(m->blocks, a, m->next, m->set.contract_id, &b, e))
        return false;
    if (b.skipped)
        return skip(m, a, e);
    if (!follows(m, &b, e))
        return false;
    (void)!handle_block(m, a, &b); // false: to end, which the caller sees
    return true;
}

// Nothing mends that but people: the scan never goes past blocks that it has not seen by itself.
static void complain_of_age(struct monitor *m, struct arena *a) {
    uint64_t head = 0, now = clock_mono_ms();
    struct err e;
    if (m->told_ms && now - m->told_ms < TOLD_EVERY_MS)
        return;
    m->told_ms = now;
    const char *newest =
        block_source_last(m->blocks, a, &head, &e) ? arena_printf(a, " (the newest is %" PRIu64 ")", head) : "";
    log_error(
        "the scan stands still at block %" PRIu64
        ", which is too old for each server of NEARDATA_API_URL: add a server that keeps older blocks, or stop the "
        "worker and set START_BLOCK_HEIGHT to a block that they have%s; requests of the blocks between are not "
        "served then",
        m->next, newest);
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
        if (e.code == ERR_CORRUPT)
            complain_of_age(m, a);
        else if (e.code != ERR_NOT_FOUND)
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
    m->set = *s;
    pthread_mutex_init(&m->mutex, NULL);
    cond_init(&m->woken);
    m->http = http_client_new();
    bool ok = read_cursor(m, a, e) && block_source_new(&m->blocks, s->neardata_url, &m->stop, e);
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
