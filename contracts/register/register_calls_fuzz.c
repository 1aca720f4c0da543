// SPDX-License-Identifier: Apache-2.0
// Anybody may call the register contract with any bytes: it does the call or stops with a sentence, never with a bare
// trap, a failed call changes nothing, and its events are JSON of at most 700 bytes. The first byte picks the method.
// Canaries: the seeds `policy` and `image` are calls that are done, `collateral` and `quote` get as far as the core.
#include "sdk/mock/mock.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWNER "owner.near"
#define REGISTRAR "registrar.near"
static const struct {
    const char *name, *caller;
} methods[] = {{"set_policy", OWNER},
               {"add_image", OWNER},
               {"update_collateral", OWNER},
               {"check_quote", OWNER},
               {"register_worker_key", REGISTRAR},
               {"register_worker", REGISTRAR},
               {"register_keystore", REGISTRAR},
               {"remove_worker_keys", OWNER},
               {"add_approved_measurements", OWNER},
               {"remove_approved_measurements", OWNER},
               {"add_approved_rtmr3", OWNER},
               {"recheck_keys", OWNER},
               {"get_worker", OWNER},
               {"get_images", OWNER},
               {"get_collateral", OWNER},
               {"set_init_worker_account", OWNER}};

static void must(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, mock.error);
    abort();
}

static bool is_good_event(const char *line) {
    json_t *j = strlen(line) <= 700 ? json_loads(line + 11, 0, NULL) : NULL;
    json_decref(j);
    return j;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size)
        return 0;
    size_t which = data[0] % (sizeof methods / sizeof *methods);
    mock_reset("worker.outlayer.near");
    must(mock_call("new", OWNER, 0,
                   "{\"owner_id\":\"" OWNER "\",\"init_worker_account\":\"" REGISTRAR
                   "\",\"outlayer_contract_id\":\"outlayer.near\",\"min_tcb_eval\":1,\"min_qe_eval\":1}"),
         "new");
    uint64_t usage = mock.usage;
    uint8_t *args = malloc(size); // one's own, so that reading behind it is seen
    memcpy(args, data + 1, size - 1);
    bool ok = mock_call_bytes(methods[which].name, methods[which].caller, 0, args, size - 1);
    free(args);
    if (!ok) {
        must(strstr(mock.error, "panicked: ") != NULL, "stopped without a sentence");
        must(mock.usage == usage, "a failed call has changed the state");
    }
    for (size_t i = 0; ok && i < mock.log_count; i++)
        must(strncmp(mock.logs[i], "EVENT_JSON:", 11) != 0 || is_good_event(mock.logs[i]), "an event is not good JSON");
    must(mock_view("get_policy", "{}"), "the contract answers afterwards");
    mock_release();
    return 0;
}
