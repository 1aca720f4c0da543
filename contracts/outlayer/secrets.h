// SPDX-License-Identifier: Apache-2.0
// Sealed secrets, as their owners store them. A row is named by owner, repository (normal form host/owner/name), branch
// or none, and profile. Keys and records, beside those of model.h:
//   's' hash   a row without its ciphertext; hash = SHA-256 of the name as a record
//   'x' hash   its ciphertext
//   'u' slot owner, 'g' slot repo   the lists of an owner's and of a repository's rows: the row's hash, and in slot 0
//              their number. A removed row's slot is taken by the last one, so slots have no holes.
//   'b' hash   how many rows with a branch there are of (owner, repository, profile); none: no record
// A row pays for its own records by the bytes that they take, which are checked against the account's storage_usage,
// and gets exactly this back. A call that makes or removes a 'b' pays or gets its stake.
#pragma once
#include "args.h"

#define PROFILE_MAX 64
#define BLOB_MAX (96u * 1024) // bytes of a ciphertext
#define ACCESS_MAX (8u * 1024)

struct secret_name {
    struct account owner;
    struct text repo, branch, profile; // branch NULL: for any branch without a row of its own
};
struct secret_row {
    struct hash hash;
    uint32_t owner_slot, repo_slot;
    struct secret_name name;
    struct text access; // JSON
    uint64_t created_at, updated_at;
    struct yocto deposit;
};
void secret_name_check(const struct secret_name *n);
void profile_check(struct text profile);
struct text access_read(struct text json); // access.c: the condition as it is stored; stops when it is none

// The texts point into a buffer that the next load overwrites.
bool secret_load(const struct secret_name *n, struct secret_row *row);
bool secret_load_by_hash(const struct hash *h, struct secret_row *row);
struct text secret_ciphertext(const struct secret_row *row);

#define OWNER_LIST 'u'
#define REPO_LIST 'g'
uint32_t secret_list_count(char list, struct text of);
struct hash secret_list_at(char list, struct text of, uint32_t slot);
uint32_t secret_branch_rows(const struct secret_name *n);
