// SPDX-License-Identifier: Apache-2.0
// What is computed from a file must be what a machine that runs it shows in its quote: a difference would have an owner
// approve what nobody runs, or turn away what was approved.
#include "base/test.h"

#include "base/file.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "tee/compose.h"
#include <openssl/evp.h>

#define VECTORS "tests/vectors/dcap/"

static struct slice vector(struct arena *a, const char *name) {
    struct slice out = {0};
    struct err e;
    assert_ok(file_read(a, arena_printf(a, VECTORS "%s", name), 1 << 20, &out, &e), &e);
    return out;
}

static void is(const uint8_t *got, const uint8_t *want) {
    char a[97], b[97];
    assert_string_equal(hex_encode(a, slice_of(got, 48)), hex_encode(b, slice_of(want, 48)));
}

// A real machine: its compose file, its provider of keys and one event of its application give the registers of its
// quote, which Intel's enclave signed.
static void a_real_machine(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct compose c;
    struct td_view td;
    char hex[65];
    struct slice text = vector(a, "mpc_tdx_v4_b0c06f_1b075a77b.tcb_info.json"), digest;
    SCOPED_JSON(j) = json_parse_big(text, 1 << 20, &e);
    assert_non_null(j);
    const char *file = json_string_value(json_object_get(j, "app_compose"));
    assert_ok(compose_parse(&c, a, slice_str(file), &e), &e);
    assert_string_equal(hash_hex(&c.hash, hex), json_string_value(json_object_get(j, "compose_hash")));
    assert_true(c.no_instance_id);
    assert_string_equal(c.name, "sam_tee");

    assert_true(td_view(&td, vector(a, "mpc_tdx_v4_b0c06f_1b075a77b.quote.bin")));
    struct td_register config = compose_config_id(&c);
    is(config.b, td.config_id);
    const struct boot_facts facts = {
        .key_provider = SLICE_LIT(
            "{\"name\":\"local-sgx\",\"id\":\"1b7a49378403249b6986a907844cab0921eca32dd47e657f3c10311ccaeccf8b\"}")};
    struct td_register r = compose_rtmr3(&c, &facts);
    assert_ok(hex_decode(&digest, a, SLICE_LIT("7c0ee6d08f253f7f890883ce4d64c387aab0d1a192a8a827f7db8cdf55a6a3b8"), &e),
              &e);
    register_extend(&r, "mpc-image-digest", digest);
    is(r.b, td.rtmr[3]);
}

// dstack's own simulator: an application id of its own and an instance that is told apart.
static void an_instance(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    size_t i;
    struct compose c = {0};
    struct boot_facts facts = {0};
    struct td_view td;
    json_t *one;
    SCOPED_JSON(log) = json_parse_big(vector(a, "dstack_sim055.eventlog.json"), 1 << 20, &e);
    assert_non_null(log);
    json_array_foreach(log, i, one) {
        const char *event = json_string_value(json_object_get(one, "event"));
        struct slice payload = {0};
        if (json_integer_value(json_object_get(one, "imr")) != 3)
            continue;
        assert_ok(hex_decode(&payload, a, slice_str(json_string_value(json_object_get(one, "event_payload"))), &e), &e);
        if (strcmp(event, "app-id") == 0)
            facts.app_id = payload;
        if (strcmp(event, "instance-id") == 0)
            facts.instance_id = payload;
        if (strcmp(event, "key-provider") == 0)
            facts.key_provider = payload;
        if (strcmp(event, "compose-hash") == 0)
            memcpy(c.hash.b, payload.ptr, sizeof c.hash.b);
    }
    struct td_register r = compose_rtmr3(&c, &facts);
    assert_true(td_view(&td, vector(a, "dstack_sim055.quote.bin")));
    is(r.b, td.rtmr[3]);
}

static void refused(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char *const files[] = {"",
                                        "[]",
                                        "{}",
                                        "{\"docker_compose_file\":7}",
                                        "{\"docker_compose_file\":\"\",\"no_instance_id\":\"yes\"}",
                                        "{\"docker_compose_file\":\"\",\"event_log_version\":3}",
                                        "services:\n  a:\n"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct compose c;
        struct err e = {0};
        assert_err(compose_parse(&c, a, slice_str(files[i]), &e), &e, ERR_INVALID, "");
    }
}

// dstack's own example of a digest of version 2, and where in the log the file system stands.
static void version_2(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct compose c;
    struct td_register r = {0}, want = {0};
    struct slice preimage = SLICE_LIT("{\"name\":\"compose-hash\",\"payload\":\"abcd\",\"type\":134217729}");
    uint8_t both[96] = {0};
    assert_int_equal(EVP_Digest(preimage.ptr, preimage.len, both + 48, NULL, EVP_sha384(), NULL), 1);
    assert_int_equal(EVP_Digest(both, 96, want.b, NULL, EVP_sha384(), NULL), 1);
    register_extend_v2(&r, "compose-hash", SLICE_LIT("\xab\xcd"));
    is(r.b, want.b);

    static const char file[] = "{\"docker_compose_file\":\"\",\"event_log_version\":2,\"init_script\":[\"x\"]}";
    assert_ok(compose_parse(&c, a, slice_str(file), &e), &e);
    assert_true(c.v2 && c.init_script);
    const struct boot_facts facts = {.storage_fs = SLICE_LIT("ext4"), .key_provider = SLICE_LIT("k")};
    r = compose_rtmr3(&c, &facts);
    want = (struct td_register){0};
    register_extend_v2(&want, "system-preparing", (struct slice){0});
    register_extend_v2(&want, "app-id", slice_of(c.hash.b, 20));
    register_extend_v2(&want, "compose-hash", hash_slice(&c.hash));
    register_extend_v2(&want, "instance-id", (struct slice){0});
    register_extend_v2(&want, "boot-mr-done", (struct slice){0});
    register_extend_v2(&want, "key-provider", SLICE_LIT("k"));
    register_extend_v2(&want, "storage-fs", SLICE_LIT("ext4"));
    register_extend_v2(&want, "system-ready", (struct slice){0});
    is(r.b, want.b);
}

// The digest of each answer names its worker's machine by this text.
static void names(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct slice real = vector(a, "dstack_sim055.quote.bin");
    uint8_t *quote = arena_alloc(a, real.len);
    struct td_view td;
    char text[MEASUREMENT_TEXT_MAX];
    memcpy(quote, real.ptr, real.len);
    memset(quote + 184, 1, 48);
    for (uint8_t i = 0; i < 4; i++)
        memset(quote + 376 + 48 * i, 2 + i, 48);
    memset(quote + 232, 6, 48);
    assert_true(td_view(&td, slice_of(quote, real.len)));
    assert_string_equal(measurement_text(&td, false, text),
                        "tdx:5dab96ad34de55541ea83b48d2940c5c6f5d6a1a497728bc7b3965272f759079");
    assert_string_equal(measurement_text(&td, true, text),
                        "simulated:5dab96ad34de55541ea83b48d2940c5c6f5d6a1a497728bc7b3965272f759079");
    assert_false(td_view(&td, slice_of(quote, 1000)));
    assert_false(td_view(&td, vector(a, "qvl_sgx_v3_00a067110000.quote.bin")));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(a_real_machine), cmocka_unit_test(an_instance),
                                          cmocka_unit_test(version_2), cmocka_unit_test(refused),
                                          cmocka_unit_test(names)};
RUN_TESTS(tests)
