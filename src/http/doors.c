// SPDX-License-Identifier: Apache-2.0
#include "http/doors.h"

#include "http/connections.h"
#include "http/server.h"

static void show(struct buf *out, const char *name, const char *listener, const char *reason, uint64_t n) {
    char one[FIGURE_LABEL_MAX], two[FIGURE_LABEL_MAX], both[2 * FIGURE_LABEL_MAX + 1];
    figure_label(one, "listener", listener);
    snprintf(both, sizeof both, "%s%s%s", one, reason ? "," : "", reason ? figure_label(two, "reason", reason) : "");
    figure_u64(out, name, both, n);
}

static void show_open(struct buf *out, const char *listener, const struct connections_counts *n) {
    show(out, "outlayer_http_connections", listener, NULL, n->open);
}

static void show_refused(struct buf *out, const char *listener, const struct connections_counts *n) {
    show(out, "outlayer_http_connections_refused_total", listener, "address", n->refused_address);
    show(out, "outlayer_http_connections_refused_total", listener, "all", n->refused_all);
}

static void show_cut(struct buf *out, const char *listener, const struct connections_counts *n) {
    show(out, "outlayer_http_connections_cut_total", listener, "room", n->cut_room);
    show(out, "outlayer_http_connections_cut_total", listener, "head", n->cut_late[CONNECTION_IDLE]);
    show(out, "outlayer_http_connections_cut_total", listener, "body", n->cut_late[CONNECTION_BODY]);
    show(out, "outlayer_http_connections_cut_total", listener, "answer", n->cut_late[CONNECTION_ANSWER]);
}

static const struct {
    enum figure_kind kind;
    const char *name, *help;
    void (*show)(struct buf *out, const char *listener, const struct connections_counts *n);
} metrics[] = {
    {FIGURE_GAUGE, "outlayer_http_connections", "Open connections, by listener.", show_open},
    {FIGURE_COUNTER, "outlayer_http_connections_refused_total",
     "Connections refused: their address had its share, or all places were taken.", show_refused},
    {FIGURE_COUNTER, "outlayer_http_connections_cut_total",
     "Connections cut: idle ones to make room, and those whose head, body or answer took too long.", show_cut},
};

void http_doors_figures(struct buf *out, const struct http_door *doors, size_t count) {
    for (size_t m = 0; m < ARRAY_LEN(metrics); m++) {
        figure_head(out, metrics[m].kind, metrics[m].name, metrics[m].help);
        for (size_t i = 0; i < count; i++) {
            struct connections_counts n;
            if (!doors[i].server)
                continue;
            http_server_count(doors[i].server, &n);
            metrics[m].show(out, doors[i].name, &n);
        }
    }
}
