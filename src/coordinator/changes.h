// SPDX-License-Identifier: Apache-2.0
// GET /public/changes: whoever looks at lists waits here until something of them has changed, instead of asking for
// them again and again. One thread looks for all: when its queue tells it that something has changed, and, as long as
// anybody waits, from time to time for what others do (workers that fall silent; coordinators that share a database).
#pragma once
#include "base/buf.h"
#include "coordinator/seats.h"
#include "http/server.h"
#include "queue/queue.h"
#include "queue/shared.h"

#define CHANGES_WAIT_MAX_S 25
#define CHANGES_GAP_MS 500 // between two answers to those who wait: what changes meanwhile is told together
#define CHANGES_WAITING_MAX 2048

struct changes;
struct changes *changes_new(void);
void changes_told(void *changes); // of queue_config
// The queue, the workers and the connection, which nobody else uses, are borrowed until changes_stop.
[[nodiscard]] bool changes_start(struct changes *w, struct queue *q, struct shared *s, struct db *db, struct err *e);
// At most a quarter of so many connections may wait, so that workers, too, can always connect.
void changes_leave_room(struct changes *w, uint64_t connections);
// Answers when something has changed since the answer whose `seq` `since` is (NULL: none), or when so long is over.
// asker: as seats_enter takes it.
void changes_wait(struct changes *w, struct http_request *r, const char *asker, const char *since, uint64_t timeout_s);
void changes_figures(struct changes *w, struct buf *out);
void changes_stop(struct changes *w); // answers all who wait. NULL is fine, also for the next
void changes_free(struct changes *w);
