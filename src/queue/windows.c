// SPDX-License-Identifier: Apache-2.0
#include "queue/windows.h"

#include "base/clock.h"
#include "base/figures.h"
#include "base/log.h"

#define WAIT_MAX_MS 3600000

// Thousandths of tokens, since some fills are slower than one a second. A bucket that is full again need not be there.
// ARGV: burst, tokens a minute, tokens that were taken, debt.
static const char take_script[] =
    "local t = redis.call('TIME') "
    "local now = t[1] * 1000 + math.floor(t[2] / 1000) "
    "local burst, rate = ARGV[1] * 1000, tonumber(ARGV[2]) "
    "local has, at = string.match(redis.call('GET', KEYS[1]) or '', '^(-?%d+) (%d+)$') "
    "has, at = tonumber(has or burst), tonumber(at or now) "
    "has = math.min(burst, has + math.max(now - at, 0) * rate / 60) - ARGV[3] * 1000 "
    "has = math.floor(math.max(has, -ARGV[4] * 1000)) "
    "redis.call('SET', KEYS[1], string.format('%d %d', has, now), 'PX', math.ceil((burst - has) * 60 / rate) + 1000) "
    "return math.max(0, math.ceil((1000 - has) * 60 / rate))";

struct windows *windows_new(struct redis *redis) {
    struct windows *w = xcalloc(1, sizeof *w);
    w->redis = redis;
    return w;
}

void windows_free(struct windows *w) { free(w); }

bool windows_work(struct windows *w, uint64_t now_ms) {
    if (redis_up(w->redis) && now_ms >= atomic_load(&w->refused_until_ms))
        return true;
    atomic_fetch_add(&w->alone, 1);
    return false;
}

static void set_refused(struct windows *w) {
    uint64_t before = atomic_exchange(&w->refused_until_ms, clock_mono_ms() + WINDOW_REFUSED_MS);
    if (!before)
        log_warn("Redis refuses to count how often somebody asks: each coordinator counts alone");
}

static void answered(void *ctx, const struct redis_answer *a) {
    struct window_call *c = ctx;
    bool known = a && !a->refused && a->count == 1 && a->numbers[0] >= 0;
    if (a && !known)
        set_refused(c->windows);
    if (known && atomic_exchange(&c->windows->refused_until_ms, 0))
        log_info("Redis counts again how often somebody asks");
    c->done(c->ctx, !known ? UINT64_MAX : a->numbers[0] < WAIT_MAX_MS ? (uint64_t)a->numbers[0] : WAIT_MAX_MS);
}

bool windows_take(struct window_call *c, const struct asker_window *of, uint64_t n) {
    char key[REDIS_NAME_LEN + 256], numbers[4][24];
    snprintf(key, sizeof key, "outlayer:%s:limit:%s:%s", redis_name(c->windows->redis), of->kind, of->name);
    snprintf(numbers[0], sizeof numbers[0], "%llu", (unsigned long long)of->burst);
    snprintf(numbers[1], sizeof numbers[1], "%llu", (unsigned long long)of->per_minute);
    snprintf(numbers[2], sizeof numbers[2], "%llu", (unsigned long long)n);
    snprintf(numbers[3], sizeof numbers[3], "%llu", (unsigned long long)(of->burst + WINDOW_DEBT));
    const struct slice words[] = {SLICE_LIT("EVAL"),     SLICE_LIT(take_script), SLICE_LIT("1"),
                                  slice_str(key),        slice_str(numbers[0]),  slice_str(numbers[1]),
                                  slice_str(numbers[2]), slice_str(numbers[3])};
    return redis_ask(c->windows->redis, words, ARRAY_LEN(words), answered, c);
}

void windows_figures(struct windows *w, struct buf *out) {
    figure_one(out, FIGURE_COUNTER, "outlayer_limits_alone_total",
               "Questions that this coordinator judged alone, as Redis did not count.", w->alone);
}
