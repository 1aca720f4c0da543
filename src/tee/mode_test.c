// SPDX-License-Identifier: Apache-2.0
// Whoever sets TEE_MODE believes that answers are attested in that way from then on: a mode that this version does not
// have must stop the daemon, never be read as another one.
#include "base/test.h"

#include "tee/mode.h"

static void known(void **state) {
    (void)state;
    static const struct {
        const char *text, *network;
        enum tee_mode want;
        const char *name;
    } rows[] = {{"none", "mainnet", TEE_NONE, "none"},
                {"tdx", "mainnet", TEE_TDX, "tdx"},
                {"outlayer_tee", "testnet", TEE_TDX, "tdx"},
                {"simulated", "devnet", TEE_SIMULATED, "simulated"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum tee_mode mode;
        struct err e;
        assert_ok(tee_mode_parse(&mode, rows[i].text, rows[i].network, &e), &e);
        assert_int_equal(mode, rows[i].want);
        assert_string_equal(tee_mode_name(mode), rows[i].name);
    }
}

static void refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *network, *why;
    } rows[] = {{"sgx", "devnet", "this version attests with Intel TDX only"},
                {"sev", "mainnet", "this version attests with Intel TDX only"},
                {"simulated", "mainnet", "proves nothing"},
                {"simulated", "testnet", "proves nothing"},
                {"simulated", "", "proves nothing"},
                {"TDX", "mainnet", "there is no such mode"},
                {"", "devnet", "there is no such mode"},
                {"tdx ", "devnet", "there is no such mode"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum tee_mode mode;
        struct err e = {0};
        assert_err(tee_mode_parse(&mode, rows[i].text, rows[i].network, &e), &e, ERR_SETTINGS, rows[i].why);
        assert_true(e.hint[0]);
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(known), cmocka_unit_test(refused)};
RUN_TESTS(tests)
