// SPDX-License-Identifier: Apache-2.0
// Figures for operators, in Prometheus' text format (version 0.0.4). A metric is a head (HELP and TYPE) and then its
// series, together and before the next head. Every label has few values: what strangers can name is counted in a tally,
// whose names are bounded. Counting is safe from several threads and waits for nothing.
#pragma once
#include "base/buf.h"
#include <pthread.h>
#include <stdatomic.h>

#define FIGURES_MAX (1u << 20) // bytes of all figures of a daemon
#define FIGURES_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum figure_kind { FIGURE_COUNTER, FIGURE_GAUGE, FIGURE_HISTOGRAM };

void figure_head(struct buf *out, enum figure_kind kind, const char *name, const char *help);
// labels: NULL, or texts that figure_label made, separated by commas.
void figure_u64(struct buf *out, const char *name, const char *labels, uint64_t value);
// A metric with one series.
void figure_one(struct buf *out, enum figure_kind kind, const char *name, const char *help, uint64_t value);
// A value in millionths: seconds of microseconds, NEAR of microNEAR.
void figure_micro(struct buf *out, const char *name, const char *labels, uint64_t millionths);

#define FIGURE_LABEL_MAX 320
// `name="value"`; what could end the value or its line is escaped, and a long value is cut.
const char *figure_label(char out[static FIGURE_LABEL_MAX], const char *name, const char *value);

// How long something took.
#define HISTOGRAM_BOUNDS 10
struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BOUNDS + 1]; // the last one: longer than all bounds
    _Atomic uint64_t sum_us;
};
void histogram_add(struct histogram *h, uint64_t us);
void figure_histogram(struct buf *out, const char *name, const char *labels, const struct histogram *h);

// Counts by name, for names that are not known beforehand: the first TALLY_MAX have a series each, all later ones share
// that of "other".
#define TALLY_MAX 64
#define TALLY_NAME_MAX 128
struct tally {
    pthread_mutex_t mutex; // over what follows
    size_t count;
    struct tally_entry {
        char name[TALLY_NAME_MAX + 1];
        uint64_t n;
    } at[TALLY_MAX];
    uint64_t others;
};
void tally_init(struct tally *t);
void tally_add(struct tally *t, const char *name);
void figure_tally(struct buf *out, const char *name, const char *label, struct tally *t);

// What every process has: its version, processor time, memory and start. `started_ms`: wall clock.
void figures_of_process(struct buf *out, const char *daemon, uint64_t started_ms);
