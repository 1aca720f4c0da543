// SPDX-License-Identifier: Apache-2.0
// The way out of what strangers wrote: one broker process (outlayer-broker) per worker, which resolves names, judges
// every address and starts the connects. This is the side that starts it and hands clients over; egress/client.h is
// theirs. Any number of threads at once. A broker that dies is started anew by the next client.
#pragma once
#include "base/slice.h"
#include "egress/rules.h"
#include <stdatomic.h>

struct egress_settings {
    const char
        *program;      // path of outlayer-broker; NULL: beside the running program or in the folder bin beside that one
    const char *allow; // EGRESS_ALLOW, see rules.h; NULL: none
    const char *ports; // EGRESS_PORTS, see rules.h; NULL: the usual ones
    const char *ca_file; // EGRESS_CA_FILE: certificates in PEM that guests trust beside the built-in ones; NULL: none
};

struct egress;
// Reads the settings (what cannot be read is refused with a sentence) and starts the broker.
[[nodiscard]] bool egress_new(struct egress **out, const struct egress_settings *s, struct err *e);
void egress_free(struct egress *g); // ends the broker; NULL is fine

// What this machine lacks itself, asked now (seconds where a resolver does not answer; ERR_UNAVAILABLE once *cancel is
// true, NULL: nobody cancels). text: a sentence for people, "" where nothing is missing.
struct egress_state {
    bool network, resolver;
    char text[160];
};
[[nodiscard]] bool egress_state(struct egress *g, const atomic_bool *cancel, struct egress_state *out, struct err *e);

// A client's socket: the caller's, for egress_client_new or to be handed on.
struct egress_way {
    int fd; // -1: none
    uint64_t id, generation;
};
#define EGRESS_NO_WAY ((struct egress_way){.fd = -1})
[[nodiscard]] bool egress_open(struct egress *g, enum egress_kind kind, struct egress_way *out, struct err *e);
// What a client met that is not its own affair.
struct egress_facts {
    bool lost;      // the broker died meanwhile
    bool no_way;    // a question failed because this machine has no network or no resolver
    char text[160]; // which of these, as a sentence
};
// Ends a client: closes way->fd if it is still open; what it asked is dropped. Once *cancel is true (NULL: nobody
// cancels), or with out NULL, nothing is waited for and no facts are known.
void egress_close(struct egress *g, struct egress_way *way, const atomic_bool *cancel, struct egress_facts *out);

// The file EGRESS_CA_FILE as a sealed memory file, empty where there is none: kept, the caller duplicates it.
int egress_roots(const struct egress *g, uint64_t *len);
