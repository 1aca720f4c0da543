// SPDX-License-Identifier: Apache-2.0
#include "tee/mode.h"

#include <string.h>

#define DEVNET "devnet"

static const struct {
    const char *text;
    enum tee_mode mode;
} names[] = {{"none", TEE_NONE}, {"simulated", TEE_SIMULATED}, {"tdx", TEE_TDX}, {"outlayer_tee", TEE_TDX}};

static bool other_technique(const char *text) { return strcmp(text, "sgx") == 0 || strcmp(text, "sev") == 0; }

static bool refused(const char *text, struct err *e) {
    err_set(e, ERR_SETTINGS, "TEE_MODE '%.40s': %s", text,
            other_technique(text) ? "this version attests with Intel TDX only" : "there is no such mode");
    return err_hint(e, "TEE_MODE=tdx in an Intel TDX guest, TEE_MODE=simulated on a devnet, or TEE_MODE=none");
}

bool tee_mode_parse(enum tee_mode *out, const char *text, const char *network, struct err *e) {
    size_t i = 0;
    while (i < ARRAY_LEN(names) && strcmp(names[i].text, text) != 0)
        i++;
    if (i == ARRAY_LEN(names))
        return refused(text, e);
    if (names[i].mode == TEE_SIMULATED && strcmp(network, DEVNET) != 0) {
        err_set(e, ERR_SETTINGS, "TEE_MODE 'simulated' proves nothing, and OUTLAYER_NETWORK is '%.64s'", network);
        return err_hint(e, "simulated is for OUTLAYER_NETWORK=" DEVNET " only: everybody has the key that signs there");
    }
    *out = names[i].mode;
    return true;
}

const char *tee_mode_name(enum tee_mode mode) {
    switch (mode) {
    case TEE_NONE: return "none";
    case TEE_SIMULATED: return "simulated";
    case TEE_TDX: return "tdx";
    }
    return "";
}
