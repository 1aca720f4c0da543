// SPDX-License-Identifier: Apache-2.0
// How the table is written: begin a case, change the world, say what must come out; or make() before that and change
// the bytes.
#pragma once
#include "testpki/cases.h"

#define CASES_NOW 1790000000

struct book {
    pki_case_fn fn;
    void *ctx;
    struct arena *arena;
    struct pki_world w;
    struct pki_case c;
    bool is_made;
};
// The world to change.
struct pki_world *begin(struct book *b, enum pki_kind kind, const char *name);
// The same for a name that is put together.
struct pki_world *begin_named(struct book *b, enum pki_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
// What came of it, to be changed without being signed again.
struct pki_made *make(struct book *b);
uint8_t *own_bytes(struct book *b, struct slice *s); // a copy of s in its place, to be written to
// Each ends the case. good: the default policy minds the status and the advisories alone.
void good(struct book *b, const char *status, const char *advisories);
void judged(struct book *b, const char *status, const char *advisories, const char *refused);
void bad(struct book *b, const char *error, const char *part);

void cases_of_quotes(struct book *b);
void cases_of_enclaves(struct book *b);
void cases_of_certificates(struct book *b);
void cases_of_lists(struct book *b);
void cases_of_json(struct book *b);
void cases_of_levels(struct book *b);
void cases_of_policies(struct book *b);
void cases_of_logs(struct book *b);
void cases_of_every_field(struct book *b);
