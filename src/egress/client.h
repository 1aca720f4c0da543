// SPDX-License-Identifier: Apache-2.0
// A client's side of the broker: asks for connections over the socket that the worker handed to it. Any number of
// threads at once. It makes no socket and opens nothing: what a confined run may do is enough.
#pragma once
#include "egress/wire.h"

struct egress_client;
struct egress_client *egress_client_new(int sock); // the socket is the client's from now on
void egress_client_free(struct egress_client *c);  // nobody asks any more; NULL is fine
// Every question that is under way, and every later one, ends with EGRESS_TROUBLE.
void egress_client_stop(struct egress_client *c);

// Asks for a connection and waits for the answer, at most until the question's timeout is over (EGRESS_NAME_LATE).
// q: host, port, timeout_ms and what has been tried. EGRESS_STARTED: *fd is a descriptor, the caller's, whose connect
// has been started and not waited for; *address is whom it goes to. EGRESS_TROUBLE too where the broker is gone.
enum egress_end egress_ask(struct egress_client *c, const struct egress_question *q, struct address *address, int *fd);
