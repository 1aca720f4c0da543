// SPDX-License-Identifier: Apache-2.0
// What a guest agent of dstack answers, read strictly: the host of the machine may have put anything in its place. All
// texts live in `a`. ERR_CORRUPT names the member that is wrong.
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define DSTACK_ANSWER_MAX (256u << 10)

// Of GetQuote, Tappd.TdxQuote and Tappd.RawQuote.
struct dstack_quote {
    struct slice quote;    // never empty: an agent on another platform gives none, which is refused
    const char *event_log; // JSON text as the agent gave it; "" where it gave none
};
[[nodiscard]] bool dstack_quote_parse(struct dstack_quote *out, struct arena *a, struct slice body, struct err *e);

// Of Info: what the agent says of the application. Nothing is proven by it; "" where it does not say.
struct dstack_info {
    const char *app_name, *app_id, *instance_id;
};
[[nodiscard]] bool dstack_info_parse(struct dstack_info *out, struct arena *a, struct slice body, struct err *e);

// Of Version: "0.5.8".
[[nodiscard]] bool dstack_version_parse(const char **out, struct arena *a, struct slice body, struct err *e);

// The agent's own words in an answer that is an error ({"error":"…"}); "" where it has none.
const char *dstack_error_text(struct arena *a, struct slice body);
