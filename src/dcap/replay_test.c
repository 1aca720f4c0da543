// SPDX-License-Identifier: Apache-2.0
// Event logs: real ones of dstack replay to the registers of their quotes, in its own form and in the contract's; one
// thing wrong at a time is refused. A log that is believed further than its registers go says that another program
// runs.
#include "base/test.h"

#include "dcap/forge_test.h"
#include "dcap/json.h"
#include "dcap/replay.h"

enum { V4_RTMRS = 376 };
#define ZEROS_20 "0000000000000000000000000000000000000000"
#define HASH_32 "00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210"

static struct dcap_fault replay(struct dcap_event_log *out, struct bytes text, const uint8_t *rtmrs) {
    static uint8_t memory[4096];
    struct dcap_arena arena = {memory, sizeof memory, 8};
    struct dcap_fault f = {DCAP_OK, DCAP_PART_NOTHING, 0};
    bool ok = dcap_replay(out, text, rtmrs, &arena, &f);
    assert_int_equal(ok, f.code == DCAP_OK);
    assert_int_equal(f.part, ok ? DCAP_PART_NOTHING : DCAP_PART_EVENT_LOG);
    assert_int_equal(arena.used, 8);
    return f;
}

// --- dstack's own

// A string member of a JSON text as it is when its escapes are taken out.
static struct bytes text_member(struct arena *a, const char *vector, const char *member) {
    struct bytes all = forge_vector(a, vector);
    const char *text = arena_text(a, slice_of(all.ptr, all.len));
    const char *p = strstr(text, arena_printf(a, "\"%s\":\"", member));
    assert_non_null(p);
    p += strlen(member) + 4;
    const char *end = p;
    while (*end != '"')
        end += *end == '\\' ? 2 : 1;
    struct bytes out = {(const uint8_t *)p, (size_t)(end - p)};
    assert_true(dcap_json_unescape(&out, arena_alloc(a, out.len)));
    return out;
}

// The array that is the value of "event_log".
static struct bytes array_member(struct arena *a, const char *vector) {
    struct bytes all = forge_vector(a, vector);
    const char *text = arena_text(a, slice_of(all.ptr, all.len)), *p = strstr(text, "\"event_log\": [");
    assert_non_null(p);
    p += strlen("\"event_log\": ");
    return (struct bytes){(const uint8_t *)p, (size_t)(strchr(p, ']') + 1 - p)};
}

static const struct {
    const char *quote, *log; // the log's vector: an array, a JSON text, or an array within an object
    char form;
    const char *compose_hash;
    uint32_t events;
} real[] = {
    {"dstack_sim055", "dstack_sim055.eventlog.json", 'a',
     "ea549f02e1a25fabd1cb788380e033ec5461b2ffe4328d753642cf035452e48b", 7},
    {"dstack_quote_report", "dstack_quote_report.json", 't',
     "3763bc34552cf3a27ff71ad5f7a90471562a1a2df552dfc1998cba2d60da27e7", 8},
    {"mpc_tdx_v4_b0c06f_1b075a77b", "mpc_tdx_v4_b0c06f_1b075a77b.tcb_info.json", 'o',
     "3efecc42bdef4cb42fa354e9b84fe00e9d82b5397a739e0b03188ab80d72ed81", 8},
    {"mpc_tdx_v4_b0c06f_a645fb014", "mpc_tdx_v4_b0c06f_a645fb014.tcb_info.json", 'o',
     "2e649118948876ce7f2390e998056032783fbf0882721a464ed428896b3d8594", 8},
};

static void real_ones(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        SCOPED_ARENA(a);
        struct bytes quote = forge_vector(a, arena_printf(a, "%s.quote.bin", real[i].quote));
        struct bytes log = real[i].form == 'a'   ? forge_vector(a, real[i].log)
                           : real[i].form == 't' ? text_member(a, real[i].log, "event_log")
                                                 : array_member(a, real[i].log);
        uint8_t rtmrs[DCAP_RTMRS * DCAP_RTMR_SIZE];
        memcpy(rtmrs, quote.ptr + V4_RTMRS, sizeof rtmrs);
        struct dcap_event_log out;
        struct dcap_fault f = replay(&out, log, rtmrs);
        if (f.code != DCAP_OK)
            fail_msg("%s: %s %d", real[i].quote, dcap_code_name(f.code), (int)f.detail);
        assert_memory_equal(out.rtmr, rtmrs, sizeof rtmrs);
        assert_memory_equal(out.compose_hash, forge_hex(a, real[i].compose_hash).ptr, 32);
        assert_int_equal(out.events[3], real[i].events);
        assert_true(out.events[0] && out.events[1] && out.events[2] && out.has_key_provider);
        // The log of another machine: each register counts.
        for (unsigned r = 0; r < DCAP_RTMRS; r++) {
            rtmrs[r * DCAP_RTMR_SIZE + 47] ^= 1;
            f = replay(&out, log, rtmrs);
            assert_int_equal(f.code, DCAP_LOG_MISMATCH);
            assert_int_equal(f.detail, r);
            rtmrs[r * DCAP_RTMR_SIZE + 47] ^= 1;
        }
        // A letter of an event of register 3 that is another one.
        uint8_t *changed = arena_alloc(a, log.len), *p;
        memcpy(changed, log.ptr, log.len);
        assert_non_null(p = memmem(changed, log.len, "system-preparing", 16));
        p[15] = 'G';
        assert_int_equal(replay(&out, (struct bytes){changed, log.len}, rtmrs).code, DCAP_LOG_DIGEST);
    }
}

// --- logs of our own

struct one {
    const char *name, *payload; // as they stand in the text
};

// The contract's form of some events, and what register 3 is then.
static struct bytes contract_log(struct arena *a, unsigned version, const struct one *events, size_t n) {
    const char *list = "";
    for (size_t i = 0; i < n; i++)
        list = arena_printf(a, "%s%s{\"event\":\"%s\",\"payload\":\"%s\"}", list, i ? "," : "", events[i].name,
                            events[i].payload);
    return forge_text(arena_printf(a, "{\"version\":%u,\"events\":[%s]}", version, list));
}

static void digest_v1(uint8_t out[48], struct arena *a, const char *name, struct bytes payload) {
    struct bytes all =
        FORGE_JOIN(a, forge_hex(a, "01000008"), forge_text(":"), forge_text(name), forge_text(":"), payload);
    SHA384(all.ptr, all.len, out);
}

static void extend_by(uint8_t mr[48], const uint8_t digest[48]) {
    uint8_t both[96];
    memcpy(both, mr, 48);
    memcpy(both + 48, digest, 48);
    SHA384(both, sizeof both, mr);
}

// Of events whose names have no escapes.
static void register_of(uint8_t rtmrs[192], struct arena *a, unsigned version, const struct one *events, size_t n) {
    memset(rtmrs, 0, 192);
    for (size_t i = 0; i < n; i++) {
        uint8_t digest[48];
        if (version == 1) {
            digest_v1(digest, a, events[i].name, forge_hex(a, events[i].payload));
        } else {
            const char *json = arena_printf(a, "{\"name\":\"%s\",\"payload\":\"%s\",\"type\":134217729}",
                                            events[i].name, events[i].payload);
            SHA384((const uint8_t *)json, strlen(json), digest);
        }
        extend_by(rtmrs + 144, digest);
    }
}

static enum dcap_code judge(struct dcap_event_log *out, struct arena *a, unsigned version, const struct one *events,
                            size_t n) {
    uint8_t rtmrs[192];
    register_of(rtmrs, a, version, events, n);
    return replay(out, contract_log(a, version, events, n), rtmrs).code;
}
#define JUDGE(version, ...)                                                                                            \
    judge(&out, a, version, (const struct one[]){__VA_ARGS__},                                                         \
          sizeof((const struct one[]){__VA_ARGS__}) / sizeof(struct one))
#define COMPOSE                                                                                                        \
    { "compose-hash", HASH_32 }
#define READY                                                                                                          \
    { "system-ready", "" }

static void known_values(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    uint8_t digest[48], rtmrs[192];
    digest_v1(digest, a, "system-preparing", forge_text(""));
    assert_memory_equal(digest,
                        forge_hex(a, "f9974020ef507068183313d0ca808e0d1ca9b2d1ad0c61f5784e7157c362c06536f5ddacdad445"
                                     "1693f48fcc72fff624")
                            .ptr,
                        48);
    static const struct one two[] = {{"system-preparing", ""}, {"app-id", ZEROS_20}};
    struct dcap_event_log out;
    memset(rtmrs, 0, sizeof rtmrs);
    memcpy(rtmrs + 144,
           forge_hex(a, "6a9a63f48733aba50d6892c873d838f97351040ddb0b497dcbdb0571ad78d0c1f1b8b3e87a9719706604b6cc"
                        "5faedee0")
               .ptr,
           48);
    assert_int_equal(replay(&out, contract_log(a, 1, two, 1), rtmrs).code, DCAP_LOG_EVENT_MISSING);
    memcpy(rtmrs + 144,
           forge_hex(a, "6f5d4054da4f28c38e6ef090dac633f8befd97a63d89c2807cbd2556e30ababd869ca3a5abf581bc8d3b3d4c"
                        "0c93a186")
               .ptr,
           48);
    assert_int_equal(replay(&out, contract_log(a, 1, two, 2), rtmrs).code, DCAP_LOG_EVENT_MISSING);
}

static void both_versions(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct dcap_event_log out;
    for (unsigned version = 1; version <= 2; version++) {
        assert_int_equal(JUDGE(version, {"app-id", ZEROS_20}, COMPOSE, {"key-provider", "7b7d"}, READY,
                               {"mine", "00ff"}, {"mine", "00ff"}),
                         DCAP_OK);
        assert_int_equal(out.events[3], 6);
        assert_int_equal(out.events[0], 0);
        assert_memory_equal(out.compose_hash, forge_hex(a, HASH_32).ptr, 32);
        uint8_t provider[32];
        SHA256((const uint8_t *)"{}", 2, provider);
        assert_true(out.has_key_provider);
        assert_memory_equal(out.key_provider, provider, 32);
        assert_int_equal(JUDGE(version, COMPOSE, READY), DCAP_OK);
        assert_false(out.has_key_provider);
        // Registers of which the log has no event are not its business.
        uint8_t rtmrs[192];
        static const struct one events[] = {COMPOSE, READY};
        register_of(rtmrs, a, version, events, 2);
        memset(rtmrs, 0xee, 144);
        assert_int_equal(replay(&out, contract_log(a, version, events, 2), rtmrs).code, DCAP_OK);
        // The log says the other version.
        assert_int_equal(replay(&out, contract_log(a, 3 - version, events, 2), rtmrs).code, DCAP_LOG_MISMATCH);
    }
}

// What is measured before an application runs is there once and before system-ready, whatever is added later.
static void trusted_names(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct dcap_event_log out;
    static const char *const names[] = {"compose-hash",     "key-provider", "app-id",          "instance-id",
                                        "system-preparing", "boot-mr-done", "mr-kms",          "os-image-hash",
                                        "rootfs-hash",      "storage-fs",   "gpu-policy-hash", "gpu-attestation"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct one extra = {names[i], i ? "00" : HASH_32};
        if (i && JUDGE(1, extra, COMPOSE, READY) != DCAP_OK)
            fail_msg("%s", names[i]);
        if (JUDGE(1, extra, extra, COMPOSE, READY) != DCAP_LOG_DUPLICATE)
            fail_msg("%s twice", names[i]);
        if (JUDGE(1, COMPOSE, extra, READY, extra) != DCAP_LOG_DUPLICATE)
            fail_msg("%s again, later", names[i]);
        if (i && JUDGE(1, COMPOSE, READY, extra) != DCAP_LOG_LATE)
            fail_msg("%s late", names[i]);
        if (i && JUDGE(2, COMPOSE, READY, {"mine", ""}, extra) != DCAP_LOG_LATE)
            fail_msg("%s late, version 2", names[i]);
    }
    const struct one script = {"init-script-hash", "aa"}; // there may be several
    assert_int_equal(JUDGE(1, COMPOSE, script, script, READY), DCAP_OK);
    assert_int_equal(JUDGE(1, COMPOSE, READY, script), DCAP_LOG_LATE);
    assert_int_equal(JUDGE(1, READY, COMPOSE), DCAP_LOG_LATE);
    assert_int_equal(JUDGE(1, COMPOSE, READY, READY), DCAP_LOG_DUPLICATE);
    assert_int_equal(JUDGE(1, READY), DCAP_LOG_EVENT_MISSING);
    assert_int_equal(JUDGE(1, COMPOSE), DCAP_LOG_EVENT_MISSING);
    assert_int_equal(JUDGE(1, {"compose-hash", ""}, READY), DCAP_LOG_FORMAT);
    assert_int_equal(JUDGE(1, {"compose-hash", HASH_32 "00"}, READY), DCAP_LOG_FORMAT);
    // Names are compared whole.
    assert_int_equal(JUDGE(1, {"compose-has", "00"}, COMPOSE, READY, {"compose-hash2", "00"}, {"Compose-hash", "00"}),
                     DCAP_OK);
}

// In version 1 the same register comes from a name with a colon and from a shorter name: neither hides a trusted one.
static void colons(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct dcap_event_log out;
    assert_int_equal(JUDGE(1, COMPOSE, READY, {"compose-hash:x", "00"}), DCAP_LOG_DUPLICATE);
    assert_int_equal(JUDGE(1, COMPOSE, READY, {"app-id:", "00"}), DCAP_LOG_LATE);
    assert_int_equal(JUDGE(1, {"compose-hash:", HASH_32}, READY), DCAP_LOG_FORMAT);
    assert_int_equal(JUDGE(1, {"app-id:x", ""}, COMPOSE, READY), DCAP_LOG_FORMAT);
    assert_int_equal(JUDGE(1, COMPOSE, READY, {"mine:compose-hash", "00"}), DCAP_OK);
    assert_int_equal(JUDGE(2, COMPOSE, READY, {"compose-hash:x", "00"}), DCAP_OK); // says where its names end
}

// A name with everything that JSON escapes, in each way to write it.
static void escapes(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char name[] = "q\"b\\s /\b\f\n\r\t\x01\x1f\x7f\xc3\xa4";
    static const char canonical[] =
        "{\"name\":\"q\\\"b\\\\s /\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa4\",\"payload\":\"0aff\",\"type\":134217729}";
    static const char *const written[] = {
        "q\\\"b\\\\s /\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa4",
        "\\u0071\\u0022b\\u005c\\u0073\\u0020\\/\\u0008\\u000c\\u000A\\u000d\\u0009\\u0001\\u001F\\u007f\\u00e4",
    };
    for (unsigned version = 1; version <= 2; version++) {
        for (size_t i = 0; i < 2; i++) {
            const struct one events[] = {COMPOSE, READY, {written[i], "0AfF"}};
            uint8_t rtmrs[192], digest[48];
            struct dcap_event_log out;
            register_of(rtmrs, a, version, events, 2);
            if (version == 1)
                digest_v1(digest, a, name, forge_hex(a, "0aff"));
            else
                SHA384((const uint8_t *)canonical, sizeof canonical - 1, digest);
            extend_by(rtmrs + 144, digest);
            assert_int_equal(replay(&out, contract_log(a, version, events, 3), rtmrs).code, DCAP_OK);
        }
    }
}

// --- wrong forms

#define EVENT(more) "{\"imr\":3,\"event_type\":134217729,\"event\":\"x\",\"event_payload\":\"00\"" more "}"
#define ZEROS_48 ZEROS_20 ZEROS_20 "0000000000000000"
#define BOOT(imr, digest)                                                                                              \
    "{\"imr\":" imr ",\"event_type\":1,\"digest\":\"" digest "\",\"event\":\"\",\"event_payload\":\"\"}"

struct row {
    const char *text;
    enum dcap_code code;
};
static const struct row rows[] = {
    {"", DCAP_JSON_FORMAT},
    {"null", DCAP_JSON_FORMAT},
    {"[", DCAP_JSON_VALUE},
    {" \n[]", DCAP_LOG_MISMATCH},
    {"[]", DCAP_LOG_MISMATCH}, // nothing is not what the register has
    {"[] x", DCAP_JSON_FORMAT},
    {"[1]", DCAP_JSON_VALUE},
    {"{}", DCAP_JSON_MEMBER},
    {"{\"version\":1}", DCAP_JSON_MEMBER},
    {"{\"events\":[]}", DCAP_JSON_MEMBER},
    {"{\"version\":1,\"events\":{}}", DCAP_JSON_VALUE},
    {"{\"version\":1,\"events\":[],\"events\":[]}", DCAP_JSON_DUPLICATE},
    {"{\"version\":1,\"events\":[]}x", DCAP_JSON_FORMAT},
    {"{\"version\":0,\"events\":[{\"event\":\"x\",\"payload\":\"\"}]}", DCAP_LOG_FORMAT},
    {"{\"version\":3,\"events\":[{\"event\":\"x\",\"payload\":\"\"}]}", DCAP_LOG_FORMAT},
    {"{\"version\":1,\"events\":[{\"event\":\"x\"}]}", DCAP_JSON_MEMBER},
    {"{\"version\":1,\"events\":[{\"payload\":\"00\"}]}", DCAP_JSON_MEMBER},
    {"{\"version\":1,\"events\":[{\"event\":\"x\",\"payload\":\"0\"}]}", DCAP_LOG_FORMAT},
    {"{\"version\":1,\"events\":[{\"event\":\"x\",\"payload\":\"0g\"}]}", DCAP_LOG_FORMAT},
    {"{\"version\":1,\"events\":[{\"event\":\"x\",\"event\":\"y\",\"payload\":\"\"}]}", DCAP_JSON_DUPLICATE},
    {"{\"version\":1,\"events\":[{\"event\":\"\\ud800\",\"payload\":\"\"}]}", DCAP_LOG_FORMAT},
    {"[" EVENT(",\"digest\":\"" ZEROS_48 "\"") "]", DCAP_LOG_DIGEST},
    {"[" EVENT(",\"digest\":\"00\"") "]", DCAP_LOG_DIGEST},
    {"[" EVENT(",\"preimage\":\"00\"") "]", DCAP_LOG_DIGEST},
    {"[" EVENT(",\"preimage\":\"0\"") "]", DCAP_LOG_FORMAT},
    {"[" EVENT(",\"preimage\":\"010000083a783a00\"") "]", DCAP_LOG_MISMATCH}, // agrees, but is not the register
    {"[" EVENT(",\"version\":3") "]", DCAP_LOG_FORMAT},
    {"[" EVENT(",\"version\":0") "]", DCAP_LOG_FORMAT},
    {"[" EVENT(",\"imr\":3") "]", DCAP_JSON_DUPLICATE},
    {"[{\"imr\":3,\"event_type\":1,\"event\":\"x\",\"event_payload\":\"\"}]", DCAP_LOG_FORMAT},
    {"[{\"imr\":3,\"event_type\":134217729,\"event\":\"x\"}]", DCAP_JSON_MEMBER},
    {"[{\"event_type\":134217729,\"event\":\"x\",\"event_payload\":\"\"}]", DCAP_JSON_MEMBER},
    {"[{\"imr\":-1,\"event_type\":1,\"event\":\"x\",\"event_payload\":\"\"}]", DCAP_JSON_VALUE},
    {"[" BOOT("4", ZEROS_48) "]", DCAP_LOG_FORMAT},
    {"[" BOOT("0", "") "]", DCAP_LOG_FORMAT},
    {"[" BOOT("0", "00") "]", DCAP_LOG_FORMAT},
    {"[" BOOT("0", ZEROS_48 "00") "]", DCAP_LOG_FORMAT},
    {"[" BOOT("0", ZEROS_48) "]", DCAP_LOG_MISMATCH},
};

static void wrong_forms(void **state) {
    (void)state;
    assert_int_equal(strlen(ZEROS_48), 96);
    uint8_t rtmrs[192] = {[191] = 1};
    struct dcap_event_log out;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dcap_fault f = replay(&out, forge_text(rows[i].text), rtmrs);
        if (f.code != rows[i].code)
            fail_msg("%s: %s", rows[i].text, dcap_code_name(f.code));
    }
}

// A payload that is larger than the memory, and a log that is cut anywhere.
static void bounded(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    char *large = arena_alloc(a, 10001);
    memset(large, '0', 10000);
    large[10000] = 0;
    struct dcap_event_log out;
    assert_int_equal(JUDGE(1, COMPOSE, READY, {"large", large}), DCAP_NO_MEMORY);
    assert_int_equal(JUDGE(1, COMPOSE, READY, {large, "00"}), DCAP_NO_MEMORY);
    struct bytes log = forge_vector(a, "dstack_sim055.eventlog.json"),
                 quote = forge_vector(a, "dstack_sim055.quote.bin");
    for (size_t len = 0; len + 1 < log.len; len++) { // its last character is a line end
        struct bytes cut = forge_cut(log, len);
        if (replay(&out, cut, quote.ptr + V4_RTMRS).code == DCAP_OK)
            fail_msg("cut at %zu", len);
        forge_drop(cut);
    }
}

static const struct CMUnitTest group[] = {
    cmocka_unit_test(real_ones),     cmocka_unit_test(known_values), cmocka_unit_test(both_versions),
    cmocka_unit_test(trusted_names), cmocka_unit_test(colons),       cmocka_unit_test(escapes),
    cmocka_unit_test(wrong_forms),   cmocka_unit_test(bounded),
};
RUN_TESTS(group)
