// SPDX-License-Identifier: Apache-2.0
#include "builder/cargo_config.h"

#include "base/test.h"
#include "builder/package.h"

static json_t *parsed(const char *text) {
    struct err e = {0};
    json_t *j = json_parse(slice_str(text), 65536, &e);
    assert_ok(j != NULL, &e);
    return j;
}

// If this fails, crates are looked for where the repository does not say, or something of it that is no data reaches
// cargo while there is network.
static void test_data(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{}", ""},
        {"{\"source\":{\"crates-io\":{\"replace-with\":\"v\"},\"v\":{\"directory\":\"vendor\"}}}",
         "source.\"crates-io\".\"replace-with\" = \"v\"\nsource.\"v\".\"directory\" = \"/work/src/a/vendor\"\n"},
        {"{\"patch\":{\"crates-io\":{\"x\":{\"path\":\"/x\",\"features\":[\"f\"],\"optional\":true}}}}",
         "patch.\"crates-io\".\"x\".\"path\" = \"/x\"\npatch.\"crates-io\".\"x\".\"features\" = "
         "[\"f\"]\npatch.\"crates-io\".\"x\".\"optional\" = true\n"},
        {"{\"patch\":{\"https://h/o/n\":{\"a\\\"b\":{\"git\":\"https://h/x\",\"rev\":\"1\"}}}}",
         "patch.\"https://h/o/n\".\"a\\\"b\".\"git\" = \"https://h/x\"\npatch.\"https://h/o/n\".\"a\\\"b\".\"rev\" = "
         "\"1\"\n"},
        {"{\"registries\":{\"own\":{\"index\":\"sparse+https://h/\",\"token\":\"t\",\"credential-provider\":\"x\"}},"
         "\"registry\":{\"default\":\"own\",\"token\":\"t\"},\"paths\":[\"p\",\"/q\"]}",
         "paths = [\"/work/src/a/p\", \"/q\", ]\nregistry.\"default\" = \"own\"\nregistries.\"own\".\"index\" = "
         "\"sparse+https://h/\"\n"},
        // None of these has anything to say here.
        {"{\"env\":{\"LD_PRELOAD\":\"x\"},\"http\":{\"proxy\":\"h:1\"},\"net\":{\"git-fetch-with-cli\":true},\"build\":"
         "{"
         "\"rustc\":\"x\",\"rustflags\":[\"-Cx\"]},\"target\":{\"t\":{\"linker\":\"x\",\"runner\":\"y\"}},\"alias\":{"
         "\"fetch\":\"!x\"},\"unstable\":{\"build-std\":[\"std\"]},\"source\":{\"x\":{\"other\":\"y\"}},\"cargo-new\":{"
         "}}",
         ""},
    };
    SCOPED_ARENA(a);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        SCOPED_BUF(b, 65536);
        SCOPED_JSON(j) = parsed(cases[i][0]);
        cargo_config_data(&b, a, j, "/work/src/a");
        assert_string_equal(buf_str(&b), cases[i][1]);
    }
}

// If this fails, a setting that runs a program is taken for data, or data for such a setting.
static void test_program(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{\"build\":{\"rustc\":\"/x\"}}", "build.rustc"},
        {"{\"build\":{\"rustc-wrapper\":\"sccache\"}}", "build.rustc-wrapper"},
        {"{\"build\":{\"rustc-workspace-wrapper\":\"x\"}}", "build.rustc-workspace-wrapper"},
        {"{\"build\":{\"rustc-wrapper\":\"\",\"rustc\":\"rustc\"}}", NULL},
        {"{\"target\":{\"wasm32-wasip1\":{\"linker\":\"x\"}}}", "target.wasm32-wasip1.linker"},
        {"{\"target\":{\"wasm32-wasip1\":{\"linker\":\"rust-lld\",\"runner\":\"x\"}}}", NULL},
        {"{\"target\":{\"x86_64-unknown-linux-gnu\":{\"linker\":\"x\"}}}", NULL},
        {"{\"target\":{\"cfg(unix)\":{\"linker\":\"x\"}}}", "target.cfg(unix).linker"},
        {"{\"registry\":{\"credential-provider\":[\"x\",\"y\"]}}", "registry.credential-provider"},
        {"{\"registry\":{\"global-credential-providers\":[\"cargo:token\",\"x\"]}}",
         "registry.global-credential-providers"},
        {"{\"registries\":{\"own\":{\"credential-provider\":\"x\"}}}", "registries.own.credential-provider"},
        {"{\"registries\":{\"own\":{\"credential-provider\":\"cargo:token\"}}}", NULL},
        {"{\"registries\":{\"own\":{\"credential-provider\":[\"cargo:token-from-stdout\",\"x\"]}}}",
         "registries.own.credential-provider"},
        {"{\"registry\":{\"credential-provider\":\"cargo:token-from-stdout x y\"}}", "registry.credential-provider"},
        {"{\"build\":[],\"target\":1,\"registry\":\"x\",\"registries\":[{}]}", NULL},
    };
    SCOPED_ARENA(a);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        SCOPED_JSON(j) = parsed(cases[i][0]);
        const char *got = cargo_config_program(a, j, "wasm32-wasip1");
        if (!got != !cases[i][1] || (got && strcmp(got, cases[i][1]) != 0))
            fail_msg("%s: '%s'", cases[i][0], got ? got : "");
    }
}

static void test_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *setting;
        unsigned line;
    } cases[] = {{"[build]\nrustc-wrapper = \"x\"", "build.rustc-wrapper", 2},
                 {"a = 1\nbuild.rustc = \"x\"", "build.rustc", 2},
                 {"build.\"rustc\" = \"x\"", "build.rustc", 1},
                 {"my-rustc = 1\n# rustc = 2 \n\trustc=1", "build.rustc", 2},
                 {"build = { rustc-wrapper = \"x\" }", "build.rustc-wrapper", 1},
                 {"rustc", "build.rustc", 0},
                 {"", "build.rustc", 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(cargo_config_line(slice_str(cases[i].text), cases[i].setting), cases[i].line);
}

#define META(packages, members)                                                                                        \
    "{\"packages\":[" packages "],\"workspace_default_members\":[" members "],\"workspace_root\":\"/w\"}"
#define PKG(id, rest) "{\"name\":\"" id "\",\"id\":\"" id "\",\"manifest_path\":\"/w/" id "/Cargo.toml\"," rest "}"
#define BIN(name) "{\"name\":\"" name "\",\"kind\":[\"bin\"]}"
#define BIN_WITH(name, f) "{\"name\":\"" name "\",\"kind\":[\"bin\"],\"required-features\":[" f "]}"

// If this fails, another program is built than the one that is meant.
static void test_package(void **state) {
    (void)state;
    static const struct {
        const char *metadata;
        size_t programs;
        const char *meant, *features;
    } cases[] = {
        {META(PKG("a", "\"targets\":[{\"name\":\"l\",\"kind\":[\"lib\"]}," BIN("x") "]"), "\"a\""), 1, NULL, NULL},
        {META(PKG("a", "\"targets\":[" BIN("x") "," BIN("y") "],\"default_run\":\"y\""), "\"a\""), 2, "y", NULL},
        {META(PKG("b", "\"targets\":[" BIN("x") "," BIN("y") "],\"default_run\":\"y\""), "\"b\""), 2, NULL, NULL},
        {META(PKG("a", "\"targets\":[" BIN("x") "]") "," PKG("b", "\"targets\":[" BIN("y") "]"), "\"b\""), 1, NULL,
         NULL},
        {META(PKG("a", "\"targets\":[" BIN_WITH("x", "\"f\",\"d/g\"") "]"), "\"a\""), 1, "x", "a/f,d/g"},
        {META(PKG("a", "\"targets\":[" BIN_WITH("x", "\"f\"") "," BIN("y") "]"), "\"a\""), 2, NULL, NULL},
        {META(PKG("a", "\"targets\":[]"), "\"a\""), 0, NULL, NULL},
    };
    SCOPED_ARENA(a);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct package p;
        struct err e = {0};
        SCOPED_JSON(j) = parsed(cases[i].metadata);
        assert_ok(package_read(&p, a, j, "/w/a/Cargo.toml", &e), &e);
        assert_int_equal(p.program_count, cases[i].programs);
        assert_string_equal(p.meant ? p.meant->name : "none", cases[i].meant ? cases[i].meant : "none");
        if (cases[i].features)
            assert_string_equal(p.meant->features, cases[i].features);
    }
    static const char *const broken[] = {"{}", "[]", META("{}", ""), META(PKG("a", "\"targets\":1"), "\"a\"")};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct package p;
        struct err e = {0};
        SCOPED_JSON(j) = parsed(broken[i]);
        assert_err(package_read(&p, a, j, "/w/a/Cargo.toml", &e), &e, ERR_INVALID, "field");
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_data), cmocka_unit_test(test_program),
                                          cmocka_unit_test(test_line), cmocka_unit_test(test_package)};
RUN_TESTS(tests)
