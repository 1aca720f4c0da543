// SPDX-License-Identifier: Apache-2.0
// What the broker is told and answers: messages of fixed size over SOCK_SEQPACKET pairs. A client (a run that may be in
// a stranger's hands, the builder's proxy) sends questions; the worker sends orders over the broker's control socket. A
// message that is not well formed ends its client.
#pragma once
#include "base/err.h"
#include "egress/rules.h"

#define EGRESS_TRIED_MAX 7
#define EGRESS_HOST_MAX 256
#define EGRESS_WAIT_MAX_MS 600000

struct egress_question {
    uint32_t id; // chosen by the client; the answer bears it
    uint32_t timeout_ms;
    uint16_t port;
    uint16_t tried_count;
    struct address tried[EGRESS_TRIED_MAX]; // not these again
    char host[EGRESS_HOST_MAX];             // a name or an address, NUL-terminated
};

enum egress_end {
    EGRESS_STARTED,      // a descriptor came along whose connect goes to `address`
    EGRESS_PROHIBITED,   // none of the host's addresses may be reached
    EGRESS_UNKNOWN_NAME, // there is no such host
    EGRESS_NAME_FAILED,  // its name servers do not say
    EGRESS_NAME_LATE,    // nor did they in time
    EGRESS_REFUSED,      // no connect could be started, or no address is left to try
    EGRESS_UNREACHABLE,  // this machine has no way to the address
    EGRESS_TOO_MANY,     // questions of this client at once
    EGRESS_PORT,         // a port that is not served
    EGRESS_NO_NETWORK,   // this machine has no way to the Internet: its own trouble
    EGRESS_NO_RESOLVER,  // this machine's resolver does not answer: its own trouble
    EGRESS_TROUBLE,      // some other trouble of the broker
    EGRESS_ENDS
};
struct egress_answer {
    uint32_t id;
    uint32_t end; // enum egress_end
    struct address address;
};

enum egress_order_kind {
    EGRESS_ORDER_CLIENT, // a new client: its socket came along
    EGRESS_ORDER_END,    // the client's end: a report about it follows
    EGRESS_ORDER_STATE,  // a report about this machine follows, once its resolver has answered or not
    EGRESS_ORDERS
};
struct egress_order {
    uint32_t kind;
    uint32_t client_kind; // enum egress_kind
    uint64_t id;          // the client's, chosen by the worker
};
struct egress_report {
    uint64_t id;
    uint32_t no_network;  // STATE: now; END: some question met it
    uint32_t no_resolver; // the same
};

// A question as it may come from anybody: exact size, a plain name, a port. False: not well formed.
[[nodiscard]] bool egress_question_valid(const void *bytes, size_t len, struct egress_question *out);
[[nodiscard]] bool egress_order_valid(const void *bytes, size_t len, struct egress_order *out);
// As it may come from a broker that has gone wrong.
[[nodiscard]] bool egress_answer_valid(const void *bytes, size_t len, struct egress_answer *out);

// One message, and a descriptor where fd >= 0. Never blocks; false when it could not be sent whole.
[[nodiscard]] bool egress_send(int sock, const void *message, size_t len, int fd);
// One message of at most `max` bytes; *fd: a descriptor that came along, or -1. Never blocks: *len is 0 at the end of
// the stream; false where there is nothing yet (errno EAGAIN) or the socket is broken. Further descriptors are closed.
[[nodiscard]] bool egress_receive(int sock, void *message, size_t max, size_t *len, int *fd);
