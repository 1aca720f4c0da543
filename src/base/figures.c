// SPDX-License-Identifier: Apache-2.0
#include "base/figures.h"

#include "base/settings.h"
#include "base/text.h"
#include <inttypes.h>
#include <sys/resource.h>

// From an answer out of memory to a build.
static const double bounds_s[HISTOGRAM_BOUNDS] = {0.001, 0.005, 0.02, 0.1, 0.5, 2, 5, 15, 60, 300};

static const char *kind_name(enum figure_kind kind) {
    switch (kind) {
    case FIGURE_COUNTER: return "counter";
    case FIGURE_GAUGE: return "gauge";
    case FIGURE_HISTOGRAM: return "histogram";
    }
    return "untyped";
}

void figure_head(struct buf *out, enum figure_kind kind, const char *name, const char *help) {
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind_name(kind));
}

static void begin(struct buf *out, const char *name, const char *labels) {
    buf_add_str(out, name);
    if (labels && labels[0])
        buf_printf(out, "{%s}", labels);
}

void figure_u64(struct buf *out, const char *name, const char *labels, uint64_t value) {
    begin(out, name, labels);
    buf_printf(out, " %" PRIu64 "\n", value);
}

void figure_one(struct buf *out, enum figure_kind kind, const char *name, const char *help, uint64_t value) {
    figure_head(out, kind, name, help);
    figure_u64(out, name, NULL, value);
}

void figure_micro(struct buf *out, const char *name, const char *labels, uint64_t us) {
    begin(out, name, labels);
    buf_printf(out, " %" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
}

const char *figure_label(char out[static FIGURE_LABEL_MAX], const char *name, const char *value) {
    char clean[TALLY_NAME_MAX + 1];
    snprintf(clean, sizeof clean, "%s", value);
    text_make_printable(clean, true);
    int n = snprintf(out, FIGURE_LABEL_MAX, "%.32s=\"", name);
    for (const char *p = clean; *p && n + 4 < FIGURE_LABEL_MAX; p++) {
        if (*p == '"' || *p == '\\')
            out[n++] = '\\';
        out[n++] = *p;
    }
    out[n++] = '"';
    out[n] = 0;
    return out;
}

// --- histograms

void histogram_add(struct histogram *h, uint64_t us) {
    size_t i = 0;
    while (i < HISTOGRAM_BOUNDS && (double)us > bounds_s[i] * 1e6)
        i++;
    atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_us, us, memory_order_relaxed);
}

void figure_histogram(struct buf *out, const char *name, const char *labels, const struct histogram *h) {
    const char *more = labels && labels[0] ? "," : "";
    uint64_t n = 0;
    labels = labels ? labels : "";
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        n += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, more, bounds_s[i], n);
    }
    n += atomic_load_explicit(&h->counts[HISTOGRAM_BOUNDS], memory_order_relaxed);
    buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n%s_sum", name, labels, more, n, name);
    figure_micro(out, "", labels, atomic_load_explicit(&h->sum_us, memory_order_relaxed));
    buf_printf(out, "%s_count", name);
    figure_u64(out, "", labels, n);
}

// --- tallies

void tally_init(struct tally *t) {
    memset(t, 0, sizeof *t);
    pthread_mutex_init(&t->mutex, NULL);
}

// NULL: there is no room for another name.
static uint64_t *entry_of(struct tally *t, const char *name) {
    for (size_t i = 0; i < t->count; i++)
        if (strncmp(t->at[i].name, name, TALLY_NAME_MAX) == 0)
            return &t->at[i].n;
    if (t->count == TALLY_MAX)
        return NULL;
    struct tally_entry *new = &t->at[t->count++];
    snprintf(new->name, sizeof new->name, "%s", name);
    return &new->n;
}

void tally_add(struct tally *t, const char *name) {
    pthread_mutex_lock(&t->mutex);
    uint64_t *n = entry_of(t, name);
    ++*(n ? n : &t->others);
    pthread_mutex_unlock(&t->mutex);
}

// Two names may look alike once they are printable: a label that is there already is counted with the others.
static bool is_repeated(const struct tally *t, const char *label, size_t at, const char *text) {
    char other[FIGURE_LABEL_MAX];
    bool same = strcmp(figure_label(other, label, "other"), text) == 0;
    for (size_t i = 0; i < at && !same; i++)
        same = strcmp(figure_label(other, label, t->at[i].name), text) == 0;
    return same;
}

void figure_tally(struct buf *out, const char *name, const char *label, struct tally *t) {
    char text[FIGURE_LABEL_MAX];
    pthread_mutex_lock(&t->mutex);
    uint64_t others = t->others;
    for (size_t i = 0; i < t->count; i++) {
        figure_label(text, label, t->at[i].name);
        if (is_repeated(t, label, i, text))
            others += t->at[i].n;
        else
            figure_u64(out, name, text, t->at[i].n);
    }
    if (others)
        figure_u64(out, name, figure_label(text, label, "other"), others);
    pthread_mutex_unlock(&t->mutex);
}

// --- the process

static uint64_t us_of(struct timeval t) { return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec; }

void figures_of_process(struct buf *out, const char *daemon, uint64_t started_ms) {
    struct rusage r;
    char name[FIGURE_LABEL_MAX], version[FIGURE_LABEL_MAX], labels[2 * FIGURE_LABEL_MAX];
    snprintf(labels, sizeof labels, "%s,%s", figure_label(name, "daemon", daemon),
             figure_label(version, "version", PROGRAM_VERSION));
    figure_head(out, FIGURE_GAUGE, "outlayer_build_info", "Always 1; its labels say which program this is.");
    figure_u64(out, "outlayer_build_info", labels, 1);
    figure_head(out, FIGURE_GAUGE, "process_start_time_seconds", "When the process started, seconds since 1970.");
    figure_micro(out, "process_start_time_seconds", NULL, started_ms * 1000);
    if (getrusage(RUSAGE_SELF, &r) != 0)
        return;
    figure_head(out, FIGURE_COUNTER, "process_cpu_seconds_total", "Processor time that the process used.");
    figure_micro(out, "process_cpu_seconds_total", NULL, us_of(r.ru_utime) + us_of(r.ru_stime));
    figure_one(out, FIGURE_GAUGE, "process_max_resident_memory_bytes", "The most memory that the process ever used.",
               (uint64_t)r.ru_maxrss * 1024);
}
