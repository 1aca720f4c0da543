// SPDX-License-Identifier: Apache-2.0
// Writes JSON into lent memory: members in the order in which they are put, commas where they belong. What does not fit
// leaves the writer failed.
#pragma once
#include "dcap/bytes.h"

struct dcap_out {
    struct dcap_writer w;
    bool behind; // a value stands before the next one
};
struct dcap_out dcap_out_into(struct dcap_arena *a);
// name: of the member; NULL in a list. A text is escaped where JSON or a terminal needs it.
void dcap_out_text(struct dcap_out *o, const char *name, struct bytes text);
void dcap_out_words(struct dcap_out *o, const char *name, const char *words); // NULL: null
void dcap_out_hex(struct dcap_out *o, const char *name, struct bytes value);  // without bytes: null
void dcap_out_number(struct dcap_out *o, const char *name, uint64_t value);
void dcap_out_flag(struct dcap_out *o, const char *name, bool value);
void dcap_out_date(struct dcap_out *o, const char *name, uint64_t seconds); // YYYY-MM-DDThh:mm:ssZ
void dcap_out_open(struct dcap_out *o, const char *name, char bracket);     // '{' or '['
void dcap_out_close(struct dcap_out *o, char bracket);                      // '}' or ']'

// Several pieces as one text: dcap_out_begin, any of the others, dcap_out_end.
void dcap_out_begin(struct dcap_out *o, const char *name);
void dcap_out_piece(struct dcap_out *o, const char *words);
void dcap_out_bytes(struct dcap_out *o, struct bytes text);
void dcap_out_digits(struct dcap_out *o, uint64_t value);
void dcap_out_iso(struct dcap_out *o, uint64_t seconds);
void dcap_out_end(struct dcap_out *o);
