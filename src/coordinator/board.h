// SPDX-License-Identifier: Apache-2.0
// The executions that are not over: who waits, who holds which, who polls. All in memory and rebuilt from the database
// at a start: leases are soft state, losing one only means the queue again. Safe from several threads; a thread of its
// own watches leases, polls and delays.
#pragma once
#include "coordinator/execution_state.h"
#include "crypto/hash.h"
#include "http/server.h"

#define BOARD_MAX 100000 // executions that are not over
#define BOARD_POLLS_MAX 4096
#define BOARD_POLL_MAX_S 30
#define LEASE_CONFIRM_MS 2000
#define LEASE_MS 15000
#define LEASE_TOKEN_LEN 64
#define WORKER_ID_MAX 128

struct board;

struct board_key {
    const char *contract_id;
    uint64_t request_id;
};
struct board_task {
    struct board_key key;
    const char *transaction_hash, *build_target;
    const char *json;    // as workers get it
    uint64_t created_ms; // wall clock
};

struct board_config {
    uint64_t serve_ms; // a queued execution that nobody served for so long is over
    // Its time is over: store that, and say board_ended or board_end_failed. Nobody else ends or leases it meanwhile.
    // From the board's thread; `key` lives until that answer.
    void (*expired)(void *ctx, const struct board_key *key);
    void *ctx;
};
[[nodiscard]] bool board_new(struct board **out, const struct board_config *config, struct err *e);
// Answers the parked polls (204) and takes no more; `expired` is not called any more afterwards.
void board_stop(struct board *b);
void board_free(struct board *b); // NULL is fine

// At the queue's end, copied. One that is there already is left alone.
void board_add(struct board *b, const struct board_task *t);
// false: BOARD_MAX executions are there, ERR_UNAVAILABLE.
[[nodiscard]] bool board_has_room(struct board *b, struct err *e);
bool board_has(struct board *b, const struct board_key *key);

// Answers the request now or when there is something: 200 with a lease, or 204. `capabilities`: comma list, NULL: all.
void board_poll(struct board *b, struct http_request *r, const char *worker_id, const char *capabilities,
                uint64_t timeout_s);

enum board_answer {
    BOARD_OK,
    BOARD_UNKNOWN, // not on the board: over, or never there
    BOARD_LOST,    // another token, or none
};
// *expires_in_ms from now on.
enum board_answer board_heartbeat(struct board *b, const struct board_key *key, const char *token,
                                  enum execution_event event, uint64_t *expires_in_ms);
// Back to the queue's front after a while that grows with the attempts.
enum board_answer board_give_back(struct board *b, const struct board_key *key, const char *token);
// Its end begins: nobody else can end it or lease it until board_ended or board_end_failed.
enum board_answer board_end(struct board *b, const struct board_key *key, const char *token, char *worker_id,
                            size_t size);
void board_ended(struct board *b, const struct board_key *key);
void board_end_failed(struct board *b, const struct board_key *key);

struct board_state {
    enum execution_state state;
    char worker_id[WORKER_ID_MAX + 1];
    unsigned attempt;
};
bool board_look(struct board *b, const struct board_key *key, struct board_state *out);
struct board_counts {
    uint64_t by_state[EXECUTION_STATE_COUNT], polls, leases_lost;
};
void board_counts(struct board *b, struct board_counts *out);
