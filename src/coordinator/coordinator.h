// SPDX-License-Identifier: Apache-2.0
// The coordinator: what its routes work on. One for the process; its parts are safe for several threads.
#pragma once
#include "blobs/blobs.h"
#include "coordinator/account_words.h"
#include "coordinator/askers.h"
#include "coordinator/changes.h"
#include "coordinator/keystore_proxy.h"
#include "coordinator/lookups.h"
#include "coordinator/messages.h"
#include "coordinator/pages.h"
#include "coordinator/prices.h"
#include "coordinator/readers.h"
#include "coordinator/tokens.h"
#include "coordinator/truth.h"
#include "http/client_address.h"
#include "queue/retention.h"
#include "queue/rollups.h"
#include "queue/shared.h"
#include "redis/redis.h"
#include "store/writer.h"
#include <pthread.h>
#include <stdatomic.h>

#define TASK_BODY_MAX (2u << 20)
#define SMALL_BODY_MAX (64u << 10)
#define SECRETS_BODY_MAX (256u << 10)
#define REPORT_BODY_MAX (128u << 10) // with what a build and a guest said
#define KEY_BODY_MAX (4u << 10)
#define WORKER_BODY_MAX (4u << 10) // up to WORKERS_MAX of them stand in one public list

#define ROUTE_FREE (-1) // a route that anybody may ask as often as he likes: it costs nothing
#define ROUTE_PUBLIC 0  // a route's tag; else the scopes of tokens, one of which it wants

#define COORDINATOR_ROUTES_MAX 80

struct known_sums { // of what has ended, for /public/stats
    struct figures figures;
    uint64_t senders, payers;
    uint64_t until_ms; // good for so long; 0: never looked up
};

#define KEY_HOLDERS_AT_ONE 4 // an address may ask with keys as often as so many accounts may

struct coordinator {
    bool require_auth;
    struct db *writing, *reading, *authorising, *knowing, *aged, *rolled,
        *watched;      // connections: of the writer, the next, `tokens`, `keys`, retention, `rollups`, `changes`
    int database_lock; // of SQLite's file; -1: none
    pthread_mutex_t reading_mutex; // of `reading`: probes, and look-ups of branches; all others have the readers'
    struct tokens *tokens, *keys;  // keys: of accounts
    struct account_words *words;
    struct retention *retention;
    struct rollups *rollups;
    struct writer *writer;
    struct queue *queue;
    struct blobs *blobs;
    struct blobs *cargo_locks; // that were made for builds
    struct shared *shared;
    struct redis *redis; // NULL: none is used
    struct prices *prices;
    struct truth *truth;
    char *network, *contract_id; // NULL: no setting
    char *shown;                 // what pages are told, as JSON
    char *examples;              // likewise
    struct keystore_proxy *secrets;
    struct egress *egress;   // how it reaches repositories
    struct builder *builder; // looks branches up, builds nothing
    struct branch_lookups *branches;
    struct askers branch_askers, public_askers;
    struct askers token_askers;  // who shows tokens or keys that were not seen before, on public routes
    struct limiter *key_holders; // accounts that show a key, on public routes; NULL: not limited
    struct askers key_askers;    // where they ask from, since one person may have many accounts
    struct readers *readers;
    struct kept_answers *kept;
    struct changes *changes;
    struct pages *dashboard, *book; // NULL: none is served
    struct {
        bool ok;
        struct err why;
        uint64_t until_ms;      // good for so long
    } ready;                    // of the thread of probes alone
    pthread_mutex_t sums_mutex; // of the next
    struct known_sums sums;
    struct client_rules askers;
    atomic_bool stopping;
    _Atomic uint64_t branch_questions; // that repositories were asked, since the start
    _Atomic uint64_t answers[6];       // by the first digit of their status
    struct histogram latency[COORDINATOR_ROUTES_MAX];
    struct tally unavailable, too_many; // answers 503 and 429, by reason
    atomic_bool draining;
    pthread_t stop_watch; // from the begin of its drain, or of its stop, where stop_watched
    bool stop_watched;
    pthread_mutex_t stop_mutex; // over `stopped`
    pthread_cond_t stop_changed;
    bool stopped;
    atomic_bool gives_up; // the database is waited for no more
};

// What pages are told of the deployment, as its operator says it. NULL: nothing.
struct coordinator_shown {
    const char *rpc_urls; // comma list; never those that have keys in them
    const char *explorer_transaction, *explorer_account, *faucet_url, *register_contract_id, *tee_mode;
};

// In coordinator.c
struct coordinator_config {                 // texts are copied
    const char *home;                       // database and modules are in here
    const char *modules;                    // folder that coordinators share; NULL: their folders in the home
    const char *database_url;               // NULL: coordinator.db in the home
    uint64_t database_ms;                   // how long its server may take for an answer; 0: 15 s
    const char *redis_url;                  // by which the coordinators of a database talk; NULL: they do not
    const char *network;                    // NULL: not checked
    const char *near_rpc_url, *contract_id; // NULL: none
    struct keystore_proxy_config keystore;
    const char *trusted_proxies;         // addresses; NULL: none
    const char *repo_map, *egress_allow; // for finding branches; NULL: none
    const char *dashboard, *docs;        // folders of the files that are served to people; NULL: none
    bool require_auth, branch_lookups;
    const char *public_url;            // as whom accounts know it; NULL: as any address of this machine
    unsigned public_per_minute;        // questions of an address on public routes; 0: any number
    unsigned key_per_minute;           // of an account that shows a key; 0: any number
    unsigned readers;                  // connections for reads (readers.h); 0: READERS_DEFAULT
    uint64_t wasm_max_bytes, serve_ms; // modules that are kept; how long an execution may wait for a worker
    struct retention_limits limits;
    struct coordinator_shown shown;
    const char *examples; // file with which the playground begins; NULL: none
};
// Opens or makes the home's state; what is not over is queued again.
[[nodiscard]] bool coordinator_open(struct coordinator **out, const struct coordinator_config *config, struct err *e);
// Gives out no more leases, and waits until none is held, so long at most, or until coordinator_hurry.
void coordinator_drain(struct coordinator *c, uint64_t ms);
void coordinator_hurry(struct coordinator *c);
void coordinator_stop(struct coordinator *c); // answers parked polls and takes no more: before the server's stop
void coordinator_free(struct coordinator *c); // after it: what was written is committed. NULL is fine
// Whether its database answers.
[[nodiscard]] bool coordinator_ready(struct coordinator *c, struct err *e);
// In figures.c
void coordinator_figures(struct coordinator *c, struct buf *out);
// route: COORDINATOR_ROUTES_MAX: there is none. why: what a refusal says, NULL: nothing.
void coordinator_count_answer(struct coordinator *c, size_t route, int status, uint64_t us, const char *why);
// In server.c
// false: there is no such route.
bool coordinator_route_name(size_t route, char out[static TALLY_NAME_MAX + 1]);
// The description of the routes: OpenAPI 3.1.
json_t *coordinator_document(struct arena *a);
// Whose request it is, for counting.
void coordinator_client(const struct coordinator *c, struct http_request *r, char out[static CLIENT_MAX]);
// Name of the token by which the request came; "": none was needed.
const char *coordinator_token_name(const struct http_request *r);
// Whether it came by a token; by an account's key is another matter.
bool coordinator_has_token(const struct http_request *r);
// The account whose key it showed; NULL: none.
const char *coordinator_account(const struct http_request *r);
// Whether it may come from worker `id`, as it says: a token may be one worker's. *id NULL becomes that one.
[[nodiscard]] bool coordinator_worker_id(const struct http_request *r, const char **id, struct err *e);
// ERR_TOO_MANY, and the header that says how long to wait.
[[nodiscard]] bool coordinator_may_ask(struct http_request *r, struct limiter *l, const char *name, struct err *e);
// The same for the asker as coordinator_client names it.
[[nodiscard]] bool coordinator_may_come(struct http_request *r, struct askers *a, const char *name, struct err *e);
// One of its listeners. Each has all routes, and threads and connections of its own.
struct coordinator_door {
    const char *host;
    uint16_t port;
    const char *cors_origins;
    struct http_limits limits; // its proxies are those that the coordinator knows
};
[[nodiscard]] bool coordinator_serve(struct http_server **out, struct coordinator *c,
                                     const struct coordinator_door *door, struct err *e);
