// SPDX-License-Identifier: Apache-2.0
// Anybody may call the contract with any bytes: it does the call or stops with a sentence, never with a bare trap, and
// its events are JSON. The first byte picks the method. Canary: the seed `request` makes a request, `answer` ends it.
#include "sdk/mock/mock.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATOR "operator.near"
static const struct {
    const char *name, *caller;
} methods[] = {{"request_execution", "alice.near"},   {"resolve_execution", OPERATOR},
               {"submit_execution_output", OPERATOR}, {"submit_execution_output_and_resolve", OPERATOR},
               {"set_pricing", "owner.near"},         {"cancel_stale_execution", "alice.near"},
               {"get_request", "alice.near"},         {"estimate_execution_cost", "alice.near"},
               {"store_secrets", "alice.near"},       {"update_access", "alice.near"},
               {"delete_secrets", "alice.near"},      {"list_profiles", "alice.near"},
               {"set_keystore_key", "owner.near"},    {"clear_all_pending_requests", "owner.near"},
               {"claim_refund", "alice.near"},        {"get_pending_request_ids", "alice.near"}};
#define NEAR_ONE ((u128)1000000000000ull * 1000000000000ull)

static void must(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, mock.error);
    abort();
}

static bool is_json(const char *text) {
    json_error_t error;
    json_t *j = json_loads(text, 0, &error);
    bool big = !j && strstr(error.text, "too big"); // a number that jansson does not hold is JSON all the same
    json_decref(j);
    return j || big;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size)
        return 0;
    size_t which = data[0] % (sizeof methods / sizeof *methods);
    mock_reset("outlayer.near");
    must(mock_call("new", "owner.near", 0, "{\"owner_id\":\"owner.near\",\"operator_id\":\"" OPERATOR "\"}"), "new");
    must(mock_call("request_execution", "alice.near", NEAR_ONE / 10,
                   "{\"code_source\":{\"repo\":\"https://github.com/a/b\",\"commit\":\"main\",\"build_target\":"
                   "\"wasm32-wasip1\"},\"input_data\":\"x\"}"),
         "request");
    uint8_t *args = malloc(size); // one's own, so that reading behind it is seen
    memcpy(args, data + 1, size - 1);
    bool ok = mock_call_bytes(methods[which].name, methods[which].caller, which != 1 && which % 8 < 2 ? NEAR_ONE : 0,
                              args, size - 1);
    free(args);
    if (!ok)
        must(strstr(mock.error, "panicked: ") != NULL, "stopped without a sentence");
    for (size_t i = 0; ok && i < mock.log_count; i++)
        must(strncmp(mock.logs[i], "EVENT_JSON:", 11) != 0 || is_json(mock.logs[i] + 11), "an event is not JSON");
    must(mock_view("get_stats", "{}"), "the contract answers afterwards");
    mock_release();
    return 0;
}
