// SPDX-License-Identifier: Apache-2.0
#include "worker/janitor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"
#include "http/client.h"
#include "protocol/request.h"
#include <inttypes.h>

#define EVERY_MS 30000
#define PAGE 100
#define WALK 1000 // ids that one call of the view looks at
#define IDS_MAX 2000
#define PAGES_MAX 1000          // a million ids: no server makes it ask for ever
#define YOUNG_NS 20000000000ull // the monitor, or the coordinator's disk, may be at it
#define EXTENSION_S 240u        // that one extension lasts at most, with room
#define CANCEL_AGAIN_MS 600000
#define WHOLE_EVERY 40 // looks: a server may have left something out
#define MISSED_MAX 3   // how often blocks are read again for one request
#define CANCEL_GAS (60 * TGAS)

// What is known of an open request.
struct open {
    uint64_t id, cancelled_ms; // 0: never
    bool recorded;             // the coordinator has it
    bool ended;
    unsigned missed;
};

struct janitor {
    struct janitor_settings set;
    struct ticker *ticker;
    atomic_bool stop; // its calls end
    struct rpc *rpc;
    struct http_client *http;
    struct open *open; // of the last look, by id
    size_t count;
    uint64_t looks, ends[2]; // where ids ended in the last look, and in the one before
};

// --- what is open on chain

static bool get_page(struct janitor *j, struct arena *a, uint64_t from, uint64_t *ids, size_t *count, struct err *e) {
    SCOPED_JSON(args) = json_object();
    json_set_u64(args, "from_index", from);
    json_set_u64(args, "limit", PAGE);
    SCOPED_JSON(list) = rpc_view_json(j->rpc, a, j->set.contract_id, VIEW_PENDING, args, e);
    size_t i;
    json_t *one;
    *count = 0;
    if (!list)
        return false;
    json_array_foreach(list, i, one) {
        if (json_is_integer(one) && json_integer_value(one) >= 0 && *count < PAGE)
            ids[(*count)++] = (uint64_t)json_integer_value(one);
    }
    return true;
}

// Where open ids may begin, and where ids end; zeros: the contract does not say.
static bool get_range(struct janitor *j, struct arena *a, uint64_t *begin, uint64_t *end, struct err *e) {
    struct err why;
    SCOPED_JSON(range) = rpc_view_json(j->rpc, a, j->set.contract_id, VIEW_OPEN_RANGE, NULL, &why);
    *begin = (uint64_t)json_integer_value(json_array_get(range, 0));
    *end = (uint64_t)json_integer_value(json_array_get(range, 1));
    if (!range && why.code != ERR_NOT_FOUND && e)
        *e = why;
    return range || why.code == ERR_NOT_FOUND;
}

// Open ones that are known. What two looks have gone through is not asked for again, since no request opens again: one
// that cannot be cancelled would have all ids behind it asked for, twice a minute.
static uint64_t take_known(struct janitor *j, uint64_t begin, uint64_t *ids, size_t *count) {
    bool whole = j->looks++ % WHOLE_EVERY == 0;
    uint64_t from = !whole && j->ends[1] > begin ? j->ends[1] : begin;
    for (size_t i = 0; i < j->count; i++)
        if (j->open[i].id >= begin && j->open[i].id < from && !j->open[i].ended)
            ids[(*count)++] = j->open[i].id;
    return from;
}

static bool get_ids(struct janitor *j, struct arena *a, uint64_t *ids, size_t *count, struct err *e) {
    uint64_t page[PAGE], from, end;
    size_t n, pages = 0;
    *count = 0;
    if (!get_range(j, a, &from, &end, e))
        return false;
    from = take_known(j, from, ids, count);
    do {
        if (!get_page(j, a, from, page, &n, e))
            return false;
        for (size_t i = 0; i < n && *count < IDS_MAX; i++)
            if (!*count || page[i] > ids[*count - 1])
                ids[(*count)++] = page[i];
        from = n ? page[n - 1] + 1 : from + WALK;
    } while (from < end && *count < IDS_MAX && ++pages < PAGES_MAX);
    j->ends[1] = j->ends[0];
    j->ends[0] = *count == IDS_MAX ? ids[IDS_MAX - 1] + 1 : from < end ? from : end;
    return true;
}

// The table of this look; what was known of a request that is still open stays known.
static void take_over(struct janitor *j, const uint64_t *ids, size_t count) {
    struct open *now = xcalloc(count + 1, sizeof *now);
    for (size_t i = 0, k = 0; i < count; i++) {
        while (k < j->count && j->open[k].id < ids[i])
            k++;
        now[i] = k < j->count && j->open[k].id == ids[i] ? j->open[k] : (struct open){.id = ids[i]};
    }
    free(j->open);
    j->open = now;
    j->count = count;
}

// --- one request

// Whether the coordinator has it.
static bool is_recorded(struct janitor *j, struct arena *a, uint64_t id, bool *is, struct err *e) {
    const char *url = arena_printf(a, "%s/public/jobs?contract_id=%s&request_id=%" PRIu64 "&limit=1",
                                   j->set.api_base_url, http_percent_encode(a, j->set.contract_id), id);
    struct http_call call = {.method = "GET", .url = url, .cancel = &j->stop};
    SCOPED_JSON(jobs) = NULL;
    int status;
    if (!http_call_json(j->http, a, &call, NULL, &status, &jobs, e))
        return false;
    *is = json_array_size(jobs) > 0;
    return json_is_array(jobs) || err_set(e, ERR_UNAVAILABLE, "what answers for the coordinator is none");
}

static bool cancel(struct janitor *j, struct arena *a, struct open *o, struct err *e) {
    struct account_id contract;
    struct sent sent;
    struct tx_said said;
    SCOPED_JSON(outcome) = NULL;
    const char *args = arena_printf(a, "{\"request_id\":%" PRIu64 "}", o->id);
    struct action action = {
        .kind = ACTION_FUNCTION_CALL, .method = METHOD_CANCEL_STALE, .args = slice_str(args), .gas = {CANCEL_GAS}};
    o->cancelled_ms = clock_mono_ms();
    if (!account_id_parse(&contract, slice_str(j->set.contract_id), e) ||
        !sender_warm(j->set.sender, j->rpc, a, NULL, e) ||
        !sender_sign(j->set.sender, a, &contract, &action, 1, &sent, e))
        return false;
    log_warn("request %" PRIu64 " has stayed open long after its window, and is cancelled: transaction=%s", o->id,
             sent.hash);
    if (rpc_send_wait(j->rpc, a, sent.bytes, sent.hash, "EXECUTED_OPTIMISTIC", &said, &outcome, e)) {
        const char *words = rpc_failure_text(a, json_object_get(outcome, "status"));
        return !words || err_set(e, ERR_CHAIN, "%s", words);
    }
    sender_heed(j->set.sender, &said, e);
    return false;
}

static bool is_stale(const struct chain_request *r, uint64_t age_ns) {
    return age_ns / 1000000000 > STALE_SECONDS + r->extensions * EXTENSION_S;
}

static bool may_cancel(const struct janitor *j, const struct open *o) {
    return j->set.sender && (!o->cancelled_ms || clock_mono_ms() - o->cancelled_ms > CANCEL_AGAIN_MS);
}

// *missed_ns: the time of a request that the coordinator lacks, where it is lower.
static bool look_at(struct janitor *j, struct arena *a, struct open *o, uint64_t now_ns, uint64_t *missed_ns,
                    struct err *e) {
    struct chain_request r;
    SCOPED_JSON(args) = json_object();
    json_set_u64(args, "request_id", o->id);
    SCOPED_JSON(view) = rpc_view_json(j->rpc, a, j->set.contract_id, VIEW_REQUEST, args, e);
    if (!view)
        return false;
    o->ended = json_is_null(view);
    if (o->ended || !chain_request_parse(&r, a, view, NULL))
        return true; // what cannot be read is a worker's to speak about
    uint64_t age_ns = now_ns > r.timestamp_ns ? now_ns - r.timestamp_ns : 0;
    if (is_stale(&r, age_ns)) // also one whose answer never reached it: its payer waits for what is left
        return !may_cancel(j, o) || cancel(j, a, o, e);
    if (r.answered || age_ns < YOUNG_NS || o->recorded || o->missed >= MISSED_MAX)
        return true;
    if (!is_recorded(j, a, o->id, &o->recorded, e))
        return false;
    if (!o->recorded) {
        o->missed++;
        log_warn("request %" PRIu64 " is open on chain, and the coordinator does not have it", o->id);
        *missed_ns = r.timestamp_ns < *missed_ns ? r.timestamp_ns : *missed_ns;
    }
    return true;
}

// A recorded request is looked at again only to see whether it has become stale: not each time.
static bool is_worth_a_look(const struct open *o, size_t turn) { return !o->recorded || turn % 8 == o->id % 8; }

static void tick(void *ctx) {
    struct janitor *j = ctx;
    static const uint64_t none = UINT64_MAX;
    SCOPED_ARENA(a);
    uint64_t *ids = arena_calloc(a, IDS_MAX, sizeof *ids), missed_ns = none;
    struct rpc_block head;
    struct err e;
    size_t count, turn = (size_t)(clock_mono_ms() / EVERY_MS);
    if (!rpc_final_block(j->rpc, a, &head, &e) || !get_ids(j, a, ids, &count, &e)) {
        log_err(LOG_WARN, "which requests are open is not known", &e);
        return;
    }
    take_over(j, ids, count);
    for (size_t i = 0; i < count && !j->stop; i++) { // the oldest first: none of the stale ones waits for the others
        SCOPED_ARENA(mine);
        if (!is_worth_a_look(&j->open[i], turn) || look_at(j, mine, &j->open[i], head.timestamp_ns, &missed_ns, &e))
            continue;
        log_err(LOG_WARN, arena_printf(mine, "looking at open request %" PRIu64, j->open[i].id), &e);
        if (e.code == ERR_UNAVAILABLE || e.code == ERR_TIMEOUT) // of a server: it would be so with each of them
            break;
    }
    if (missed_ns != none)
        j->set.missed(j->set.ctx, missed_ns);
}

static void free_janitor(struct janitor *j) {
    rpc_free(j->rpc);
    http_client_free(j->http);
    free(j->open);
    free(j);
}

bool janitor_start(struct janitor **out, const struct janitor_settings *s, struct err *e) {
    struct janitor *j = xcalloc(1, sizeof *j);
    j->set = *s;
    j->http = http_client_new();
    if (rpc_new(&j->rpc, s->rpc_url, e)) {
        rpc_set_cancel(j->rpc, &j->stop);
        if (ticker_start(&j->ticker, s->every_ms ? s->every_ms : EVERY_MS, tick, j, e)) {
            *out = j;
            return true;
        }
    }
    free_janitor(j);
    return false;
}

void janitor_stop(struct janitor *j) {
    if (!j)
        return;
    atomic_store(&j->stop, true);
    ticker_stop(j->ticker);
    free_janitor(j);
}
