// SPDX-License-Identifier: Apache-2.0
// Requests that an account makes itself, by a word that one of its full access keys signed (secrets/word.h). The chain
// is asked about the key on a few threads of their own; how many requests of one address wait for it is bounded, and so
// is how often an address, and an account that has proved to be it, may come.
#pragma once
#include "base/err.h"
#include "http/server.h"
#include "secrets/word.h"

struct account_words;
struct coordinator;
struct shared;
struct account_words_config {
    const char *rpc_urls;   // NULL: nobody can be believed
    const char *public_url; // comma list: as whom accounts know this coordinator; NULL: any address of this machine
    const char *network;    // NULL: devnet
};
[[nodiscard]] bool account_words_new(struct account_words **out, struct shared *shared,
                                     const struct account_words_config *config, struct err *e);
void account_words_stop(struct account_words *w); // before the server's stop. NULL is fine, also for the next
void account_words_free(struct account_words *w); // after it

// What an account wants done. It lives as long as the request.
struct account_act {
    struct coordinator *c;
    const char *act;   // as it stands in the message
    http_handler then; // on one of the threads, with this as its context, once the account is known to have said it
    struct word word;  // its own
};
// Checks the word, asks the chain, and goes on with `then`, or answers what is wrong.
void account_act_run(struct http_request *r, struct account_act *act);
