// SPDX-License-Identifier: Apache-2.0
#include "devnet/rpc.h"

#include <inttypes.h>
#include <stdarg.h>

json_t *rpc_u64(uint64_t v) {
    char text[24];
    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    snprintf(text, sizeof text, "%" PRIu64, v);
    return json_string(text);
}

enum rpc_done rpc_ok(struct rpc_call *c, json_t *result) {
    BUG_ON(!result || c->answer);
    c->answer = result;
    c->http_status = 200;
    return RPC_ANSWERED;
}

// What an error of each kind is called, and what goes with it.
struct kind {
    const char *name;
    int http_status, code;
    const char *message;
};
static const struct kind handler = {"HANDLER_ERROR", 200, -32000, "Server error"};
static const struct kind handler_timeout = {"HANDLER_ERROR", 408, -32000, "Server error"};
static const struct kind internal = {"INTERNAL_ERROR", 500, -32000, "Server error"};
static const struct kind bad_parse = {"REQUEST_VALIDATION_ERROR", 400, -32700, "Parse error"};
static const struct kind bad_method = {"REQUEST_VALIDATION_ERROR", 400, -32601, "Method not found"};

static enum rpc_done fail(struct rpc_call *c, const struct kind *kind, const char *cause, json_t *info, json_t *data) {
    BUG_ON(c->answer || !data);
    c->answer = json_pack("{s:s, s:{s:s, s:o*}, s:i, s:s, s:o}", "name", kind->name, "cause", "name", cause, "info",
                          info, "code", kind->code, "message", kind->message, "data", data);
    BUG_ON(!c->answer);
    c->failed = true;
    c->http_status = kind->http_status;
    return RPC_ANSWERED;
}

enum rpc_done rpc_fail(struct rpc_call *c, const char *cause, json_t *info, json_t *data) {
    return fail(c, &handler, cause, info, data);
}

enum rpc_done rpc_fail_timeout(struct rpc_call *c) {
    return fail(c, &handler_timeout, "TIMEOUT_ERROR", NULL, json_string("Timeout"));
}

enum rpc_done rpc_fail_text(struct rpc_call *c, const char *cause, json_t *info, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    json_t *data = json_vsprintf(fmt, args);
    va_end(args);
    return rpc_fail(c, cause, info, data ? data : json_string(cause));
}

static enum rpc_done fail_parse(struct rpc_call *c, const char *why) {
    json_t *text = json_string(why);
    if (!text) // a piece of a foreign text that is not UTF-8
        text = json_string("the request is not valid");
    return fail(c, &bad_parse, "PARSE_ERROR", json_pack("{s:O}", "error_message", text), text);
}

enum rpc_done rpc_fail_params(struct rpc_call *c, const struct err *e) {
    return fail_parse(c, arena_printf(c->arena, "Failed parsing args: %s", e->msg));
}

static enum rpc_done fail_method(struct rpc_call *c, const char *method) {
    return fail(c, &bad_method, "METHOD_NOT_FOUND", json_pack("{s:s}", "method_name", method), json_string(method));
}

enum rpc_done rpc_fail_internal(struct rpc_call *c, const struct err *e) {
    return fail(c, &internal, "INTERNAL_ERROR", json_pack("{s:s}", "error_message", e->msg), json_string(e->msg));
}

bool rpc_read_call(struct rpc_call *c) {
    c->id = json_object_get(c->body, "id");
    c->params = json_object_get(c->body, "params");
    json_t *method = json_object_get(c->body, "method"), *version = json_object_get(c->body, "jsonrpc");
    if (!json_is_object(c->body))
        fail_parse(c, "a request is an object");
    else if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
        fail_parse(c, "field 'jsonrpc' must be \"2.0\"");
    else if (!json_is_string(method))
        fail_parse(c, "field 'method' must be a text");
    else
        c->method = json_string_value(method);
    return c->method != NULL;
}

enum rpc_done rpc_run(struct rpc_call *c, const struct rpc_method *methods, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(methods[i].name, c->method) == 0)
            return methods[i].run(c);
    return fail_method(c, c->method);
}

json_t *rpc_envelope(struct rpc_call *c) {
    BUG_ON(!c->answer);
    json_t *id = c->id ? json_incref(c->id) : json_null();
    json_t *out = json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", c->failed ? "error" : "result", c->answer, "id", id);
    BUG_ON(!out);
    c->answer = NULL;
    return out;
}

json_t *rpc_unread(struct arena *a, const struct err *e) {
    struct rpc_call c = {.arena = a};
    fail_parse(&c, e->msg);
    return rpc_envelope(&c);
}

// One entry of a batch: only methods marked for it run, and none of those waits.
static json_t *run_entry(const struct rpc_call *batch, json_t *entry, const struct rpc_method *methods, size_t count) {
    struct rpc_call c = {.net = batch->net, .arena = batch->arena, .body = entry};
    if (rpc_read_call(&c)) {
        const struct rpc_method *found = NULL;
        for (size_t i = 0; i < count && !found; i++)
            if (methods[i].in_batch && strcmp(methods[i].name, c.method) == 0)
                found = &methods[i];
        BUG_ON((found ? found->run(&c) : fail_method(&c, c.method)) != RPC_ANSWERED);
    }
    return rpc_envelope(&c);
}

static json_t *run_batch(struct rpc_call *c, const struct rpc_method *methods, size_t count) {
    if (json_array_size(c->body) == 0 || json_array_size(c->body) > RPC_BATCH_MAX) {
        fail_parse(c, arena_printf(c->arena, "a batch has 1 to %d requests", RPC_BATCH_MAX));
        return rpc_envelope(c);
    }
    json_t *out = json_array(), *entry;
    size_t i;
    json_array_foreach(c->body, i, entry)
        json_array_append_new(out, run_entry(c, entry, methods, count));
    return out;
}

enum rpc_done rpc_handle(struct rpc_call *c, struct slice body, const struct rpc_method *methods, size_t count,
                         json_t **answer) {
    struct err e;
    *answer = NULL;
    c->http_status = 200;
    c->body = json_parse(body, RPC_BODY_MAX, &e);
    if (json_is_array(c->body)) {
        *answer = run_batch(c, methods, count);
    } else {
        if (!c->body)
            fail_parse(c, e.msg);
        else if (rpc_read_call(c) && rpc_run(c, methods, count) == RPC_PARKED)
            return RPC_PARKED;
        *answer = rpc_envelope(c);
    }
    json_decref(c->body);
    c->body = NULL;
    return RPC_ANSWERED;
}
