// SPDX-License-Identifier: Apache-2.0
// What was about to be paid for: one file per answer in HOME/pending, written before its transaction is sent, removed
// when the answer's fate is known. A worker that comes back, however it ended, finds in it all that it takes to ask the
// chain about the transaction, and to send the same bytes again, never others. A machine that loses its power may lose
// the newest entries: then the lease runs out, and whoever gets the next one asks the chain whether the request still
// waits; of two answers the contract takes one and charges once. Waiting for the disk before each transaction would
// take milliseconds of every request for that. Safe for several threads.
#pragma once
#include "codec/json.h"
#include "near/send.h"
#include "worker/lease.h"

struct journal_entry {
    const char *contract_id;
    uint64_t request_id;
    struct hash data_id;
    const char *token; // of the lease under which it was made
    const char *signer_id, *public_key;
    const char *request_transaction, *request_signer; // that made the request; NULL: not known
    const char *sender_id;
    const char *repo, *ref, *target; // what was asked for; NULL: an entry of before these were noted
    bool has_height;
    uint64_t block_height;
    char hash[48]; // of our transaction
    uint64_t nonce;
    struct slice bytes;   // signed
    const json_t *report; // for /tasks/complete
};

// Makes HOME/pending. `dir` is allocated in the arena.
[[nodiscard]] bool journal_open(struct arena *a, const char *home, const char **dir, struct err *e);
// Whole when it returns true; an entry for the same request is replaced.
[[nodiscard]] bool journal_write(const char *dir, struct arena *a, const struct journal_entry *entry, struct err *e);
void journal_remove(const char *dir, struct arena *a, const char *contract_id, uint64_t request_id);
bool journal_has(const char *dir, struct arena *a, const char *contract_id, uint64_t request_id);
// Texts and bytes in the arena; *report is the caller's. ERR_CORRUPT: not such a file.
[[nodiscard]] bool journal_read(struct journal_entry *out, json_t **report, struct arena *a, const char *path,
                                struct err *e);
[[nodiscard]] bool journal_parse(struct journal_entry *out, json_t **report, struct arena *a, struct slice text,
                                 struct err *e);
// Paths of all entries.
[[nodiscard]] bool journal_list(const char *dir, struct arena *a, const char ***paths, size_t *count, struct err *e);
