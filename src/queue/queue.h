// SPDX-License-Identifier: Apache-2.0
// The executions: the record of all, and of those that are not over who waits, who holds which, who polls. One seam
// with two forms: local.h for one process (an index in memory over the rows), scaled.h for several over PostgreSQL.
// Handlers know only this header.
//
// A call is a struct of the caller's, in its own arena: it is filled in, given to the queue, and answered by `done`
// exactly once, at once or later, from any thread, with no lock held. The struct and all that it points to live until
// then, and the queue does not touch it any more once `done` was called. So a form may gather calls and serve many by
// one statement. `e` of done is NULL when the call was served; its outputs are valid then. An error means "try again":
// it never says what has changed (a commit can fail after it has happened), but the same call again finishes what this
// one began.
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/figures.h"
#include "queue/execution_state.h"
#include "store/db.h"

#define QUEUE_OPEN_MAX 100000 // executions that are not over
#define QUEUE_POLLS_MAX 16384
#define QUEUE_POLL_MAX_S 30
#define AT_HAND_MAX 32        // sources that one poll names
#define AT_HAND_POLLS_MAX 128 // polls among which one is preferred
#define LEASE_CONFIRM_MS 2000
#define LEASE_MS 15000
#define LEASE_TOKEN_LEN 64
#define WORKER_ID_MAX 128
#define TOKEN_NAME_MAX 64
#define CONTRACT_ID_MAX 64
#define DEADLINE_MAX_MS 86400000 // from now: the most that is believed of what somebody says

struct queue;

// An execution's next step, for workers that do not do both: to be run, as at first, since most modules are known; or,
// where whoever was to run it found no module that it believes, to be built. Each hand-over from one to the other is
// counted: an odd number of them waits for whoever builds.
enum queue_step { QUEUE_RUN, QUEUE_BUILD, QUEUE_STEP_COUNT };
// Hand-overs; any more is a failed attempt, so that two who disagree do not keep everybody busy. It is even: what is
// handed over no more waits for whoever runs, who can end it, and a build is not made over and over.
#define HANDED_MAX 8
_Static_assert(HANDED_MAX % 2 == 0, "what is handed over no more must wait for whoever runs");

static inline enum queue_step step_of(unsigned handed) { return handed % 2 ? QUEUE_BUILD : QUEUE_RUN; }

struct execution_key {
    const char *contract_id;
    uint64_t request_id;
};

struct queue_call {
    void (*done)(void *ctx, const struct err *e);
    void *ctx;
    struct queue_call *next; // this and the following are the form's own
    uint64_t until_ms;
};

// --- calls -------------------------------------------------------------------------------------------------------

// Stores an execution and queues it. One that is known stays as it is, and is shown.
struct queue_create {
    struct queue_call call;
    struct execution_key key;
    const char *token_name;       // of the token by which it is told; "" or NULL: none was needed
    const char *transaction_hash; // NULL: none
    const char *build_target;
    const char *payer;   // whose turns it takes: those who pay take turns, not requests
    uint64_t source;     // a mark of what it runs (protocol/source_mark.h); 0: not known
    uint64_t dead_at_ms; // wall clock: no answer counts after it. 0, or over: serve_ms counts
    const char *json;    // the task as workers get it
    const char *about;   // the part of it that lists show
    struct arena *arena; // for `known`; NULL: it is not looked at
    bool created;        // out; false: it was known, and the rest is set
    const char *known;   // out; the task as it was stored before
    bool over;           // out; that one has ended
};
void queue_create(struct queue *q, struct queue_create *x);

// Puts a task in the place of one that was false. Who has leased that holds it no more; one that had ended is open
// again.
struct queue_replace {
    struct queue_call call;
    struct execution_key key;
    const char *was;                                                    // the false one; another one is left alone
    const char *token_name;                                             // as in queue_create
    const char *transaction_hash, *build_target, *payer, *json, *about; // as in queue_create
    uint64_t source;
    uint64_t dead_at_ms;
    bool replaced; // out
};
void queue_replace(struct queue *q, struct queue_replace *x);

// Waits for an execution that this worker can do. Each that waits has a turn: one more than the last that waits for the
// same payer, and at least the turn served last. The lowest is leased first, of equals the oldest. Before them go those
// that are too late: what no worker began in the first nine tenths of its time is only answered, by whichever worker.
// So is, at once, what is hopeless: before which so many wait that none could begin it by then (service.h).
//
// Which one is next says its turn alone. Of the polls that wait for it at that moment, in this process, one whose
// worker has its source at hand goes before those that waited longer; nothing ever waits for such a worker.
struct queue_poll {
    struct queue_call call;
    struct arena *arena;           // for `json`
    const char *worker_id;         // "": it did not say
    const char *token_name;        // of the token by which it asks; "": none was needed
    const char *contract_id;       // whose executions; NULL: anybody's
    const char *capabilities;      // build targets, comma list; NULL: all
    bool cannot[QUEUE_STEP_COUNT]; // steps that this worker does not do
    const uint64_t *at_hand;       // marks of sources whose modules this worker has, AT_HAND_MAX at most
    size_t at_hand_count;
    uint64_t wait_s; // 0: does not wait; more than QUEUE_POLL_MAX_S is that
    // Whoever polls is gone: nothing is leased for it. NULL: it never is.
    bool (*gone)(void *ctx);
    bool leased;                     // out; false: nothing came, and the rest is not set
    bool too_late;                   // out; it cannot begin any more, so only its payer is told
    bool hopeless;                   // out; too_late since too many wait before it: its time is not over
    const char *json;                // out; the task
    char token[LEASE_TOKEN_LEN + 1]; // out; names the lease in every report
    unsigned attempt;                // out; 1, 2, …
    unsigned handed;                 // out; hand-overs
};
void queue_poll(struct queue *q, struct queue_poll *x);

enum queue_answer {
    QUEUE_OK,
    QUEUE_UNKNOWN, // over, or never there
    QUEUE_LOST,    // another token holds it, or none
};

// Confirms or prolongs a lease, and says what its worker does.
struct queue_beat {
    struct queue_call call;
    struct execution_key key;
    const char *token;
    enum execution_event event; // BUILD, RUN or SUBMIT; EXECUTION_EVENT_COUNT: nothing new
    uint64_t dead_at_ms;        // moved to there by an extension; 0: not moved
    enum queue_answer answer;   // out
    uint64_t expires_in_ms;     // out; from now on
};
void queue_beat(struct queue *q, struct queue_beat *x);

// What a lease holds.
struct queue_look {
    struct queue_call call;
    struct execution_key key;
    const char *token;
    struct arena *arena;      // for `json`
    enum queue_answer answer; // out
    const char *json;         // out; the task
};
void queue_look(struct queue *q, struct queue_look *x);

// Queued again, after a while that grows with its attempts. token NULL: the operator's, whoever holds it, and at once.
struct queue_give_back {
    struct queue_call call;
    struct execution_key key;
    const char *token;
    bool bench; // its worker does not get it any more, and others at once; until the coordinator starts anew. One that
                // says no name may get it again, after the while
    const char *reason; // for its timeline; NULL: none
    bool hand;          // no attempt has failed: `step` is next, for whoever does that, at once
    enum queue_step step;
    enum queue_answer answer; // out
};
void queue_give_back(struct queue *q, struct queue_give_back *x);

// Stores its end, if this token holds it (token NULL: the operator's, whoever holds it or nobody). The same token again
// is answered QUEUE_OK, and changes nothing; also where the first answer was an error and the end was stored all the
// same.
struct queue_end {
    struct queue_call call;
    struct execution_key key;
    const char *token;
    const char *token_name; // of the token by which it is told; "": none was needed
    const char *outcome;    // success, guest_failed, refused or expired
    const char *report;     // what lists show of it
    const char *evidence;   // what its digest is made of, as JSON; NULL: nobody said
    uint64_t instructions;
    enum queue_answer answer; // out
    bool changed;             // out; false: it was known
};
void queue_end(struct queue *q, struct queue_end *x);

// --- looking; answered at once, from what this process knows ------------------------------------------------------

struct queue_counts {
    uint64_t by_state[EXECUTION_STATE_COUNT], polls, leases_lost; // now; lost since the start
    uint64_t waiting; // changes that wait for the database, beside the writer's
    uint64_t created, succeeded, guest_failed, refused, expired, instructions; // since the database began
};
void queue_counts(struct queue *q, struct queue_counts *out);
// false: there is no room for another execution, or none for this token, which is not to fill the queue for all others
// (ERR_UNAVAILABLE; creators.h).
[[nodiscard]] bool queue_has_room(struct queue *q, const char *token_name, struct err *e);

struct queue_filter {
    const char *transaction_hash, *contract_id; // NULL: any; so of all texts
    const char *sender_id, *payer_id;
    const char *repo;      // as it was asked for
    const char *worker_id; // that ended it
    const char *outcome, *failure, *wasm_hash;
    const char *state; // that it is in now
    bool has_request;
    uint64_t request_id;
    uint64_t from_ms, to_ms; // recorded from then on, and before; wall clock, 0 and INT64_MAX: whenever
    uint64_t limit, offset;
    uint64_t before; // only those whose "id" in the list is less; INT64_MAX: all. How a list is continued
};
// One that names nothing.
#define QUEUE_FILTER_ALL                                                                                               \
    (struct queue_filter) { .to_ms = INT64_MAX, .before = INT64_MAX }
// Makes `out` an array of what lists show of executions, newest first. `db` is a connection of the caller's.
[[nodiscard]] bool queue_list(struct queue *q, struct db *db, const struct queue_filter *f, struct arena *a,
                              struct buf *out, struct err *e);

// All that is known of one.
struct queue_detail {
    bool found;
    const char *row;      // what lists show of it
    const char *task;     // as it was recorded
    const char *timeline; // an array: timeline.h
    const char *evidence; // as its end had it; NULL: none
};
// Texts in `a`, objects as JSON.
[[nodiscard]] bool queue_detail(struct queue *q, struct db *db, const struct execution_key *key, struct arena *a,
                                struct queue_detail *out, struct err *e);

// What lists show anew since somebody looked: recorded, in another state, with another worker, ended.
#define QUEUE_CHANGES_MAX 100
#define QUEUE_SEQ_MAX 1024
struct queue_changes {
    const char *since;           // `seq` of an earlier look; NULL: nobody has looked
    char seq[QUEUE_SEQ_MAX + 1]; // out; of this look. All coordinators of a database understand it
    bool unknown;                // out; `since` is none, or of another queue, or too old: nothing is listed
    bool more;                   // out; the last QUEUE_CHANGES_MAX that changed are listed, and there are others
    size_t count;                // out; listed
};
// Makes `out` an array of rows as queue_list has them, the last that changed first. Now and then one is listed that was
// before, and none is left out but rows that an older program has changed. `db` is a connection of the caller's.
[[nodiscard]] bool queue_changes(struct queue *q, struct db *db, struct queue_changes *x, struct arena *a,
                                 struct buf *out, struct err *e);

// How old the queue is, how long executions are in each state, who loses leases: for operators.
void queue_figures(struct queue *q, struct buf *out);

// From now on nothing is leased; parked polls are answered with nothing. Waits until that is done, and, where no other
// process can serve the workers, until none of them holds anything, so long at most. Returns whether that is so. A call
// while another one waits ends that one's wait.
bool queue_drain(struct queue *q, uint64_t ms);
// Answers the parked polls with nothing, and takes no more. What was called before is still served.
void queue_stop(struct queue *q);
void queue_free(struct queue *q); // when nobody calls any more: what it knows is stored. NULL is fine

// --- forms -------------------------------------------------------------------------------------------------------

// What a stored task says of itself. Texts in `a`.
struct queue_stored {
    struct execution_key key;
    const char *build_target, *payer;
    uint64_t dead_at_ms; // 0: nobody said
    uint64_t source;     // as in queue_create
};
struct writer;
struct queue_config {
    uint64_t serve_ms;   // an execution that says no deadline, and that nobody served for so long, is over
    uint64_t confirm_ms; // a lease that its worker has not confirmed lasts so long; 0: LEASE_CONFIRM_MS
    // Of the form for several: how often each looks for what others have queued, have lost, or left too long. Beyond
    // OUTAGE_MS each look takes itself for the first after an outage. 0: CLAIM_MS
    uint64_t look_ms;
    bool (*read)(struct arena *a, const char *json, struct queue_stored *out, struct err *e);
    // Something has changed of what queue_changes lists, here or, where coordinators talk, in another one. With locks
    // held: it shall not wait, nor call the queue. NULL: nobody wants to know.
    void (*changed)(void *ctx);
    void *ctx;
    struct writer *writer;   // the form for several stores by itself, and tells its figures that; NULL: none does
    struct db_keep database; // of the form for several: how long a server may take, and what ends its waits
};
struct redis;
// For one process. What is not over is queued again; what a worker held is given LEASE_MS more, so that neither a
// planned restart nor a crash takes work away that is under way. Leases are stored a fifth of a second after they
// change, and nobody waits for that: what is lost with the machine is only a lease. The writer outlives the queue.
[[nodiscard]] bool queue_open_local(struct queue **out, const struct queue_config *config, struct writer *writer,
                                    struct err *e);
// For any number of processes, on a database of PostgreSQL. By `redis`, which outlives the queue, they tell each other
// that something can be leased; NULL: each finds it within half a second.
[[nodiscard]] bool queue_open_scaled(struct queue **out, const struct queue_config *config, const char *url,
                                     struct redis *redis, struct err *e);
