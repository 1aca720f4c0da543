// SPDX-License-Identifier: Apache-2.0
// The files of the dashboard (`make dashboard`) and of the book (`make book`), as the coordinator serves them. They are
// read whole once, so that an answer waits for no disk, and that no name in a request can reach another file. What lies
// in assets/, if there is that folder, has its hash in its name and is kept for good by browsers; anything else is
// asked for anew each time and compared by its ETag. X.gz beside X is what is sent to whoever takes gzip.
#pragma once
#include "base/err.h"
#include "http/server.h"

#define PAGES_FILES_MAX 512
#define PAGES_BYTES_MAX (32u << 20)
#define PAGE_WITH_WASM "verification.html" // the one document that may run WebAssembly: it checks quotes

struct pages;
// what: a constant that errors call the files, such as "the book". asked: addresses beside the coordinator's own that a
// page may ask, each a comma list; NULL among them says nothing.
[[nodiscard]] bool pages_open(struct pages **out, const char *what, const char *folder, const char *const *asked,
                              size_t count, struct err *e);
void pages_free(struct pages *p); // NULL is fine
// Pages may frame the document of wallets (wallet.html, which has @NONCE@ where the nonce of its script belongs), and
// windows that a wallet opens may answer. No page's policy for scripts, styles and connections changes by that. false:
// its file is there and has no such mark; without the file nothing changes.
[[nodiscard]] bool pages_offer_wallets(struct pages *p, struct err *e);
// Answers with that document: wallets need styles in their markup and connections to wherever they are, so that its
// policy is another one. Its script has a nonce of this answer. 404 where wallets are not offered.
void pages_reply_wallets(const struct pages *p, struct http_request *r);
// Answers a GET or HEAD with the file of that name, such as "index.html" or "assets/x.js", or with 404.
void pages_reply(const struct pages *p, struct http_request *r, const char *name);
