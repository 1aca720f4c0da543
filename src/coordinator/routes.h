// SPDX-License-Identifier: Apache-2.0
// The coordinator's routes, as docs/coordinator-api.md describes them; server.c has their table. Each handler's context
// is the struct coordinator. It replies before it returns, or parks the request with somebody who does.
#pragma once
#include "coordinator/coordinator.h"

// routes_tasks.c: executions, as workers record, take and end them.
void tasks_create(struct http_request *r, void *coordinator);
void tasks_poll(struct http_request *r, void *coordinator);
void tasks_heartbeat(struct http_request *r, void *coordinator);
void tasks_complete(struct http_request *r, void *coordinator);
void tasks_fail(struct http_request *r, void *coordinator);
void tasks_hand_over(struct http_request *r, void *coordinator);

// Ends the execution that the report's claim holds, and answers; `about`: what lists show of it. All lives as long as
// the request.
void task_end(struct coordinator *c, struct http_request *r, const struct report *report, const char *about);
void task_reply_lost(struct http_request *r, enum queue_answer answer);
// The queue failed: 503, as the client may do it once more. The log has `what` failed and why.
void task_reply_later(struct http_request *r, const struct err *e, const char *what);

// doubts.c: where the chain has to be asked.
bool task_is_same(const char *a, const char *b); // two tasks as JSON
// Answers a create that differs from what is known; `create` lives as long as the request.
void doubt_create(struct coordinator *c, struct http_request *r, const struct queue_create *create);
// Answers a worker that says that its lease is not what the chain has (about NULL), or that the request ended without
// its doing. Where the chain bears it out, that is the end. `report` and `about` live as long as the request.
void doubt_lease(struct coordinator *c, struct http_request *r, const struct report *report, const char *about,
                 const char *reason);

// routes_builds.c: the signed records of builds.
void builds_get(struct http_request *r, void *coordinator);
void builds_put(struct http_request *r, void *coordinator);
void public_build(struct http_request *r, void *coordinator);

// routes_built.c: the same for everybody to look at.
void public_builds(struct http_request *r, void *coordinator);
void public_wasm_info(struct http_request *r, void *coordinator);

// routes_modules.c: modules and Cargo.lock files, named by their hash.
extern const struct http_stream wasm_stream, cargo_lock_stream; // take an upload's body while it comes
void upload_end(struct http_request *r, void *coordinator);     // of either stream
void wasm_get(struct http_request *r, void *coordinator);
void wasm_exists(struct http_request *r, void *coordinator);
void cargo_lock_get(struct http_request *r, void *coordinator);

// routes_fleet.c: locks, and the workers that are alive.
void locks_acquire(struct http_request *r, void *coordinator);
void locks_release(struct http_request *r, void *coordinator);
void workers_heartbeat(struct http_request *r, void *coordinator);
void public_workers(struct http_request *r, void *coordinator);

// routes_branches.c: which branch a ref stands on, asked of its repository.
void github_resolve_branch(struct http_request *r, void *coordinator);
// Starts and ends what the look-ups need.
[[nodiscard]] bool branch_open(struct coordinator *c, const struct coordinator_config *config, struct err *e);
void branch_close(struct coordinator *c);

// keystore_proxy.c: passed on to the keystore as they are.
void secrets_pubkey(struct http_request *r, void *coordinator);
void secrets_add_generated(struct http_request *r, void *coordinator);
void secrets_audit(struct http_request *r, void *coordinator); // for the owner: by a key, or by his word
void secrets_challenge(struct http_request *r, void *coordinator);
void secrets_session(struct http_request *r, void *coordinator);
void secrets_decrypt(struct http_request *r, void *coordinator);

// routes_keys.c: an account's keys, by its own word.
void keys_create(struct http_request *r, void *coordinator);
void keys_list(struct http_request *r, void *coordinator);
void keys_revoke(struct http_request *r, void *coordinator);

// routes_logs.c: what builds and guests said.
void execution_logs(struct http_request *r, void *coordinator);
void admin_logs(struct http_request *r, void *status); // the operator's

// routes_admin.c: the operator's; their context is the struct status.
void admin_requeue(struct http_request *r, void *status);
void admin_cancel(struct http_request *r, void *status);
void admin_bench(struct http_request *r, void *status);
void admin_unbench(struct http_request *r, void *status);
void admin_list_bench(struct http_request *r, void *status);

// routes_pages.c: the dashboard, and the book.
void page_document(struct http_request *r, void *coordinator); // of each page's path
void page_verification(struct http_request *r, void *coordinator);
void page_asset(struct http_request *r, void *coordinator);
void page_icon(struct http_request *r, void *coordinator);
void page_wallets(struct http_request *r, void *coordinator);
void page_wallet_list(struct http_request *r, void *coordinator);
#define BOOK_PATH "/docs/"
void book_folder(struct http_request *r, void *coordinator);
void book_index(struct http_request *r, void *coordinator);
void book_file(struct http_request *r, void *coordinator);
void book_for_programs(struct http_request *r, void *coordinator); // what pages there are, as llmstxt.org has it
void book_for_programs_full(struct http_request *r, void *coordinator);

// routes_executions.c: what anybody may see of executions.
void public_jobs(struct http_request *r, void *coordinator);
void public_executions(struct http_request *r, void *coordinator);
void public_execution(struct http_request *r, void *coordinator);
// One execution as the last of them shows it. NULL: *e says why not.
json_t *execution_detail(struct coordinator *c, struct db *db, struct arena *a, const struct execution_key *key,
                         struct err *e);

// routes_attestations.c: what shows that an answer is what its worker says.
void attestation(struct http_request *r, void *coordinator);

// routes_sums.c: what has been added up.
void public_stats(struct http_request *r, void *coordinator);
void public_series(struct http_request *r, void *coordinator);
void public_usage(struct http_request *r, void *coordinator);
void public_earnings(struct http_request *r, void *coordinator);
void public_repos(struct http_request *r, void *coordinator);

// routes_public.c: what else anybody may read.
void public_pricing(struct http_request *r, void *coordinator);
void public_pricing_refresh(struct http_request *r, void *coordinator);
// What that answers: it is the same from the start on. The caller frees it.
char *shown_text(const struct coordinator_config *config);
void public_examples(struct http_request *r, void *coordinator);
void public_changes(struct http_request *r, void *coordinator);
void public_config(struct http_request *r, void *coordinator);
void health(struct http_request *r, void *coordinator);
void healthz(struct http_request *r, void *coordinator);
void readyz(struct http_request *r, void *coordinator);
void metrics(struct http_request *r, void *coordinator);
