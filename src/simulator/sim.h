// SPDX-License-Identifier: Apache-2.0
// What the simulator's two servers share: the guest agent on a Unix socket, the provisioning service (PCS) on loopback.
#pragma once
#include "http/deferred.h"
#include "simulator/control.h"
#include "simulator/td.h"

#define SIM_SILENT_MAX 64

struct sim {
    struct td td;
    const char *control_path;
    uint64_t quote_ms;
    uint64_t at;              // the moment at which its collateral is asked for, always; 0: now
    struct deferred *workers; // quotes take their time on threads of their own
    pthread_mutex_t lock;     // guards what follows
    pthread_cond_t changed;
    bool stopping, quoting;
    struct http_request *silent[SIM_SILENT_MAX]; // never answered until the simulator ends
    size_t silent_count;
};

int64_t sim_now(const struct sim *s); // seconds since 1970
// false: the file is wrong, and the request has been answered so.
[[nodiscard]] bool sim_control(struct sim *s, struct http_request *r, struct control *out);
// Answers as dstack does: pure ASCII with its length, and the connection ends (its client in JavaScript wants all
// three). Takes the reference.
void sim_reply(struct http_request *r, int status, json_t *j);
void sim_reply_error(struct http_request *r, int status, const char *text);
// Answers in the way that the fault says. false: it is OK, LYING or STALE, which are the caller's.
bool sim_misbehave(struct sim *s, struct http_request *r, enum sim_fault fault);
// Before the servers stop: whoever waits is answered.
void sim_stop(struct sim *s);

extern const struct http_route agent_routes[], pcs_routes[];
extern const size_t agent_route_count, pcs_route_count;
void agent_refused(struct http_request *r, const struct http_route *route, const struct err *e);
