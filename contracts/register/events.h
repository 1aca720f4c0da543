// SPDX-License-Identifier: Apache-2.0
// What the chain shows, and how records look as JSON.
#pragma once
#include "model.h"
#include "sdk/reply.h"

struct out *event_open(const char *event);
// member: a text or an account; NULL text: null
void log_setting(const char *setting, struct text value);
void log_account(const char *event, const struct account *a);

void put_word(struct out *o, const char *word); // of this contract's own words
void member_word(struct out *o, const char *key, const char *word);
void out_hex(struct out *o, const void *bytes, size_t n);
void put_hex_bytes(struct out *o, const void *bytes, size_t n);
void member_hex_bytes(struct out *o, const char *key, const void *bytes, size_t n);
void out_date(struct out *o, uint64_t seconds); // 2026-01-31T23:59:59Z

void log_registered(const char *event, const struct key_record *k, const struct image *g, const struct hash *quote);
enum reason { REASON_OWNER, REASON_RETIRED, REASON_EXPIRED, REASON_TCB, REASON_IMAGE };
void log_removed(const struct key_record *k, enum reason why);
void log_failing(const struct key_record *k);
void log_image(const char *event, const struct image *g);
void put_image(struct out *o, const struct image *g); // the members
void put_key_record(struct out *o, const struct key_record *k);

// What is wrong with a quote or a part: the part, the code, and a date where it is about one. The sentences that belong
// to codes stand in src/dcap/code.h; here they would be a tenth of the contract.
const char *part_name(enum dcap_part part);
void out_fault(struct out *o);
