// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0 as NEAR nodes speak it: one call, its answer, and the error shapes that clients parse. Errors are
// {"error":{"name","cause":{"name","info"},"code","message","data"}}. The HTTP status says what a client may do: 200
// with a result and with an error that asking again does not change; 400 for a request that is no call; 408 when the
// time was over, so that the same call may succeed; 422 for a block that never comes; 500 for a fault of this server.
// A method ends in rpc_ok or one of the rpc_fail functions; a method that waits returns RPC_PARKED and ends the call
// later, from any thread, with rpc_finish.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"

#define RPC_BODY_MAX (10u << 20)
#define RPC_BATCH_MAX 100

struct devnet;
struct http_request;

enum rpc_done { RPC_ANSWERED, RPC_PARKED };

struct rpc_call {
    struct devnet *net;
    struct arena *arena;       // the request's; lives until the answer is out
    struct http_request *http; // NULL: the caller takes `answer` itself (tests, entries of a batch)
    json_t *body;              // owned; the rest of the call borrows from it
    const char *method;
    json_t *params; // borrowed; NULL when absent
    json_t *id;     // borrowed; NULL when absent
    json_t *answer; // owned: the result, or the error object when `failed`
    bool failed;
    int http_status; // of the answer
};

struct rpc_method {
    const char *name;
    enum rpc_done (*run)(struct rpc_call *c);
    bool in_batch; // may stand in an array of calls
};

// Answers; each takes the references it is given. `info` NULL: a cause of that name has none. Data is never null on the
// wire.
enum rpc_done rpc_ok(struct rpc_call *c, json_t *result);
// name HANDLER_ERROR: `cause` such as "UNKNOWN_ACCOUNT".
enum rpc_done rpc_fail(struct rpc_call *c, const char *cause, json_t *info, json_t *data);
enum rpc_done rpc_fail_text(struct rpc_call *c, const char *cause, json_t *info, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
// TIMEOUT_ERROR, which clients answer by asking again.
enum rpc_done rpc_fail_timeout(struct rpc_call *c);
// Parameters that cannot be used: PARSE_ERROR with the error's message.
enum rpc_done rpc_fail_params(struct rpc_call *c, const struct err *e);
enum rpc_done rpc_fail_internal(struct rpc_call *c, const struct err *e);

// The envelope for a body that is not read, such as one that is too large: nobody knows its id.
json_t *rpc_unread(struct arena *a, const struct err *e);

// Runs the method that the call names. METHOD_NOT_FOUND when the table has none.
enum rpc_done rpc_run(struct rpc_call *c, const struct rpc_method *methods, size_t count);
// The whole answer of a finished call: {"jsonrpc","id","result"|"error"}; takes c->answer.
json_t *rpc_envelope(struct rpc_call *c);
// Fills method, params and id from c->body; false: c has its PARSE_ERROR already.
bool rpc_read_call(struct rpc_call *c);
// A whole body: one call or a batch. *c stands in the request's arena. RPC_ANSWERED: *answer is the envelope (owned by
// the caller); RPC_PARKED: it comes later.
enum rpc_done rpc_handle(struct rpc_call *c, struct slice body, const struct rpc_method *methods, size_t count,
                         json_t **answer);
// Sends the answer of a parked call. The call is gone afterwards.
void rpc_finish(struct rpc_call *c);

// u64 as a number; beyond what a JSON number of ours can hold, as decimal text.
json_t *rpc_u64(uint64_t v);
