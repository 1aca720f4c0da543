// SPDX-License-Identifier: Apache-2.0
#include "executor/way.h"

#include "egress/client.h"

static enum engine_connect_end told(enum egress_end end) {
    switch (end) {
    case EGRESS_STARTED: return ENGINE_CONNECT_STARTED;
    case EGRESS_PROHIBITED: return ENGINE_CONNECT_PROHIBITED;
    case EGRESS_UNKNOWN_NAME: return ENGINE_CONNECT_UNKNOWN_NAME;
    case EGRESS_NAME_FAILED: return ENGINE_CONNECT_NAME_FAILED;
    case EGRESS_NAME_LATE: return ENGINE_CONNECT_NAME_LATE;
    case EGRESS_REFUSED: return ENGINE_CONNECT_REFUSED;
    case EGRESS_UNREACHABLE: return ENGINE_CONNECT_UNREACHABLE;
    case EGRESS_TOO_MANY: return ENGINE_CONNECT_TOO_MANY;
    case EGRESS_PORT: return ENGINE_CONNECT_DENIED;
    case EGRESS_NO_NETWORK:
    case EGRESS_NO_RESOLVER:
    case EGRESS_TROUBLE:
    case EGRESS_ENDS: break;
    }
    return ENGINE_CONNECT_TROUBLE;
}

struct way {
    struct egress_client *client;
    struct meter_page *page;
};

static enum engine_connect_end ask(void *ctx, struct engine_connect *io) {
    struct way *w = ctx;
    struct egress_question q = {
        .timeout_ms = io->timeout_ms, .port = io->port, .tried_count = (uint16_t)io->tried_count};
    struct address to = {0};
    _Static_assert(ENGINE_TRIED_MAX == EGRESS_TRIED_MAX && sizeof io->tried == sizeof q.tried, "the same list");
    memcpy(q.tried, io->tried, sizeof q.tried);
    if ((size_t)snprintf(q.host, sizeof q.host, "%s", io->host) >= sizeof q.host)
        return ENGINE_CONNECT_UNKNOWN_NAME;
    enum egress_end end = egress_ask(w->client, &q, &to, &io->fd);
    if (end == EGRESS_TROUBLE)
        __atomic_add_fetch(&w->page->lost_questions, 1, __ATOMIC_RELAXED);
    memcpy(io->address, to.b, sizeof io->address);
    return told(end);
}

void way_give(struct engine_run *r, int sock, struct meter_page *page) {
    struct way *w = xcalloc(1, sizeof *w);
    *w = (struct way){egress_client_new(sock), page};
    r->connect = ask;
    r->connect_ctx = w;
}
