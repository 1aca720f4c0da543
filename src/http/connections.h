// SPDX-License-Identifier: Apache-2.0
// The open connections of a server, held to its limits: who may connect, and which one is cut because a part of its
// request lasts too long. Inner part of the server, safe from several threads.
#pragma once
#include "http/limits.h"
#include <sys/socket.h>

struct connections;
struct connection;

// ERR_SETTINGS where the system does not let this process open as many files. Raises the limit of open files as far as
// needed and allowed.
[[nodiscard]] bool connections_new(struct connections **out, const struct http_limits *limits, struct err *e);
void connections_free(struct connections *all);          // after the last one was closed. NULL is fine
uint64_t connections_max(const struct connections *all); // that may be open at a moment, with those that are being cut

// Somebody connects: false, it is refused. The calling thread goes on with connection_begin for it, or, where the
// connection failed, with the next connections_admit.
[[nodiscard]] bool connections_admit(struct connections *all, const struct sockaddr *from);
struct connection *connection_begin(struct connections *all, int fd);
void connection_end(struct connections *all, struct connection *c); // before its descriptor is closed
const char *connection_peer(const struct connection *c);            // the address as text

enum connection_part {
    CONNECTION_IDLE,   // no whole head of a request
    CONNECTION_BODY,   // its body comes
    CONNECTION_WORK,   // its handler has it: no deadline
    CONNECTION_ANSWER, // the client takes the answer
    CONNECTION_PART_COUNT,
};
void connection_is(const struct connections *all, struct connection *c, enum connection_part part);

// Since the start, but `open`, which is now.
struct connections_counts {
    uint64_t open, max;
    uint64_t refused_address, refused_all; // its address had its share; all places were taken by those at work
    uint64_t cut_room;                     // that waited for a request, for somebody else to come in
    uint64_t cut_late[CONNECTION_PART_COUNT];
};
void connections_count(struct connections *all, struct connections_counts *out);
