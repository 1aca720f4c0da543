// SPDX-License-Identifier: Apache-2.0
// The guest agent of dstack, which has the machine's TDX quotes made: HTTP over a Unix socket, in the form of dstack
// 0.5 and later (/GetQuote) or of 0.3 and 0.4 (/prpc/Tappd.TdxQuote). Nothing that the agent says is believed, but that
// it can be asked: what counts is the quote, which is signed and must carry the report data asked for.
#pragma once
#include "tee/dstack_answer.h"
#include "tee/measurement.h"
#include <stdatomic.h>

enum dstack_family { DSTACK_GUEST, DSTACK_TAPPD };

struct dstack {
    struct http_client *http;
    const char *endpoint; // path of the socket, or URL
    enum dstack_family family;
    const char *version; // as the agent says it; "" where its version cannot say it
    const atomic_bool *cancel;
};

struct dstack_where {
    const char *endpoint;      // path or URL, as in DSTACK_SIMULATOR_ENDPOINT; NULL or "": the usual sockets, in order
    const char *root;          // in front of the usual paths; "" but in tests
    const atomic_bool *cancel; // once true, calls end within 100 ms; NULL: nobody cancels
};

// Finds an agent that answers and learns its family and version. Texts live in `a`. ERR_UNAVAILABLE or ERR_TIMEOUT:
// there is no socket, or none of those that are there answers as an agent does.
[[nodiscard]] bool dstack_open(struct dstack *out, struct arena *a, const struct dstack_where *where, struct err *e);
void dstack_close(struct dstack *d); // also one that was not opened
// For people: "dstack 0.5.8 at /var/run/dstack.sock".
const char *dstack_name(const struct dstack *d, struct arena *a);

// *td: what the quote shows. At most 10 s. One at a time: a TD has one queue for quotes, and some kernels crash where
// many are asked at once. ERR_CORRUPT: the answer is not a TDX quote for this report data.
[[nodiscard]] bool dstack_quote(struct dstack *d, struct arena *a, const struct report_data *data,
                                struct dstack_quote *out, struct td_view *td, struct err *e);
[[nodiscard]] bool dstack_ask_info(struct dstack *d, struct arena *a, struct dstack_info *out, struct err *e);
