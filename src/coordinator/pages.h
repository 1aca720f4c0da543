// SPDX-License-Identifier: Apache-2.0
// The dashboard's files (`make dashboard`), as the coordinator serves them. They are read whole once, so that an answer
// waits for no disk, and that no name in a request can reach another file. index.html is asked for anew each time and
// compared by its ETag; what lies in assets/ has its hash in its name and is kept for good by browsers. X.gz beside X
// is what is sent to whoever takes gzip.
#pragma once
#include "base/err.h"
#include "http/server.h"

#define PAGES_FILES_MAX 512
#define PAGES_BYTES_MAX (32u << 20)

struct pages;
// asked: addresses beside the coordinator's own that a page may ask, each a comma list; NULL among them says nothing.
[[nodiscard]] bool pages_open(struct pages **out, const char *folder, const char *const *asked, size_t count,
                              struct err *e);
void pages_free(struct pages *p); // NULL is fine
// Answers a GET or HEAD with the file of that name, such as "index.html" or "assets/x.js", or with 404.
void pages_reply(const struct pages *p, struct http_request *r, const char *name);
