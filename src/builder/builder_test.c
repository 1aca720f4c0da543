// SPDX-License-Identifier: Apache-2.0
#include "builder/build.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include <sys/stat.h>

static char work[] = "/tmp/builder-test.XXXXXX";
static struct builder *builder;
static struct arena *arena;

static void sh(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void sh(const char *fmt, ...) {
    char cmd[8192];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(cmd, sizeof cmd, fmt, ap);
    va_end(ap);
    if (system(cmd) != 0)
        fail_msg("%s", cmd);
}

// A repository with one commit, which the builder knows as folder.invalid/test/NAME. files: name, text, …, NULL.
static void repo(const char *name, const char *const *files) {
    struct err e = {0};
    const char *dir = arena_printf(arena, "%s/repos/test/%s", work, name);
    for (; files[0]; files += 2) {
        char *path = arena_printf(arena, "%s/%s", dir, files[0]);
        char *folder = arena_strdup(arena, path);
        *strrchr(folder, '/') = 0;
        assert_ok(file_make_dirs(folder, 0755, &e), &e);
        assert_ok(file_write_atomic(path, slice_str(files[1]), 0644, &e), &e);
    }
    sh("cd %s && git init -q -b main . && git add -A && git -c user.name=t -c user.email=t@t commit -q -m t", dir);
}
#define REPO(name, ...) repo(name, (const char *const[]){__VA_ARGS__, NULL})

static struct build_result build_in(const char *name, const char *folder, const char *ref, const char *target,
                                    uint64_t ms) {
    struct err e = {0};
    struct build_result r = {0};
    struct build_source s = {
        arena_printf(arena, "https://folder.invalid/test/%s%s%s", name, folder ? "//" : "", folder ? folder : ""), ref,
        target};
    const struct patience looking = {clock_mono_ms() + 60000, NULL};
    assert_ok(builder_resolve(builder, arena, &s, &looking, &r, &e), &e);
    const struct patience building = {clock_mono_ms() + ms, NULL};
    if (r.end == BUILD_OK)
        assert_ok(builder_build(builder, arena, &s, &building, &r, &e), &e);
    fprintf(stderr, "   %s %s: %s in %llu ms, %zu bytes: %s\n", name, target, build_end_slug(r.end),
            (unsigned long long)r.build_ms, r.wasm.len, r.reason ? r.reason : "");
    return r;
}

static struct build_result build_within(const char *name, const char *ref, const char *target, uint64_t ms) {
    return build_in(name, NULL, ref, target, ms);
}

static struct build_result build(const char *name, const char *ref, const char *target) {
    return build_within(name, ref, target, 300000);
}

static void ends(const char *name, const struct build_result *r, enum build_end want, const char *words) {
    if (r->end != want || !r->reason || !strstr(r->reason, words))
        fail_msg("%s: %s '%s', want %s with '%s'", name, build_end_slug(r->end), r->reason ? r->reason : "",
                 build_end_slug(want), words);
}

#define MAKEFILE "app.wasm: main.c\n\t$(CC) $(CFLAGS) main.c -o app.wasm $(LDFLAGS)\n"
#define HELLO "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n"

// If this fails, no C guest can be built.
static void test_c(void **state) {
    (void)state;
    REPO("c", "Makefile", MAKEFILE, "main.c", HELLO);
    struct build_result r = build("c", "main", "wasm32-wasip1");
    assert_int_equal(r.end, BUILD_OK);
    assert_int_equal(r.wasm.ptr[4], 1);
    r = build("c", r.commit, "wasm32-wasip2");
    assert_int_equal(r.end, BUILD_OK);
    assert_int_equal(r.wasm.ptr[4], 13);
}

// If this fails, no Rust guest can be built.
static void test_rust(void **state) {
    (void)state;
    REPO("rust", "Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n", "Cargo.lock",
         "version = 3\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n", "src/main.rs",
         "fn main() { println!(\"hello\"); }\n");
    struct build_result r = build("rust", "main", "wasm32-wasip1");
    assert_int_equal(r.end, BUILD_OK);
    r = build("rust", "main", "wasm32-wasip2");
    assert_int_equal(r.end, BUILD_OK);
}

// If this fails, a commit that nobody with rights put on a branch or tag is built: hosts serve a fork's commits under
// the parent's address.
static void test_commit_of_a_fork(void **state) {
    (void)state;
    REPO("forked", "Makefile", MAKEFILE, "main.c", HELLO);
    sh("cd %s/repos/test/forked && git checkout -q --detach && echo >>main.c && git -c user.name=t -c user.email=t@t "
       "commit -qam evil && git update-ref refs/pull/1/head HEAD && git rev-parse HEAD >%s/fork && git checkout -q "
       "main",
       work, work);
    struct slice commit;
    struct err e = {0};
    assert_ok(file_read(arena, arena_printf(arena, "%s/fork", work), 64, &commit, &e), &e);
    const char *ref = arena_text(arena, slice_of(commit.ptr, 40));
    struct build_result r = build("forked", ref, "wasm32-wasip1");
    ends("a fork's commit", &r, BUILD_NO_COMMIT, ref);
    // The same from a host that leaves files out and gives any commit; an older commit of a branch is still built, with
    // the files that only now are fetched.
    sh("cd %s/repos/test/forked && git config uploadpack.allowFilter true && git config uploadpack.allowAnySHA1InWant "
       "true && git rev-parse HEAD >%s/fork && echo >main.c && git -c user.name=t -c user.email=t@t commit -qam later",
       work, work);
    r = build("forked", ref, "wasm32-wasip1");
    ends("a fork's commit", &r, BUILD_NO_COMMIT, ref);
    assert_ok(file_read(arena, arena_printf(arena, "%s/fork", work), 64, &commit, &e), &e);
    r = build("forked", arena_text(arena, slice_of(commit.ptr, 40)), "wasm32-wasip1");
    assert_int_equal(r.end, BUILD_OK);
}

#define PACKAGE(name) "[package]\nname = \"" name "\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"
#define LOCK(name) "version = 3\n\n[[package]]\nname = \"" name "\"\nversion = \"0.1.0\"\n"
#define CRATE(name, main) "Cargo.toml", PACKAGE(name), "Cargo.lock", LOCK(name), "src/main.rs", main
#define EMPTY_MAIN "fn main() {}\n"

// If this fails, the toolchain that a repository brings executes (it does not exist), or a build script finds a network
// interface besides loopback.
static void test_builds_execute_without_network(void **state) {
    (void)state;
    REPO("evil", CRATE("app", EMPTY_MAIN), "build.rs",
         "fn main() { let n = std::fs::read_to_string(\"/proc/self/net/dev\").unwrap().lines().count() - 2;"
         " assert_eq!(n, 1); }\n",
         ".cargo/config.toml", "[alias]\nfetch = \"!touch /work/pwned\"\nbuild = \"!false\"\n", "rust-toolchain.toml",
         "[toolchain]\npath = \"/work/src/evil\"\n");
    struct build_result r = build("evil", "main", "wasm32-wasip1");
    assert_int_equal(r.end, BUILD_OK);
}

// If this fails, a setting of the repository executes a program while there is network, or is silently not what its
// author believes; or settings that are data are refused, or lost.
static void test_cargo_settings(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"wrapper", "[build]\n# who\nrustc-wrapper = \"sccache\"\n", ".cargo/config.toml, line 3: build.rustc-wrapper"},
        {"linker", "[target.wasm32-wasip1]\nlinker = \"./ld.sh\"\n", "line 2: target.wasm32-wasip1.linker"},
        {"cfg", "[target.'cfg(target_os = \"wasi\")']\nlinker = \"./ld.sh\"\n", "line 2: target.cfg("},
        {"provider", "[registry]\nglobal-credential-providers = [\"./give\"]\n", "line 2: registry.global-credential"},
        {"broken", "[build\n", ".cargo/config.toml is not acceptable"},
        {"data",
         "[build]\ntarget = \"x86_64-unknown-linux-gnu\"\nrustflags = [\"--cfg\", \"said\"]\n"
         "[target.wasm32-wasip1]\nrunner = \"wasmtime\"\nlinker = \"rust-lld\"\n[net]\noffline = true\n",
         NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *name = arena_printf(arena, "settings-%s", cases[i].name);
        bool data = strcmp(cases[i].name, "data") == 0;
        REPO(name, CRATE("app", data ? "#[cfg(said)]\nfn main() {}\n" : EMPTY_MAIN), ".cargo/config.toml",
             cases[i].text);
        struct build_result r = build(name, "main", "wasm32-wasip1");
        if (cases[i].want)
            ends(name, &r, BUILD_FAILED, cases[i].want);
        else
            assert_int_equal(r.end, BUILD_OK);
    }
}

// If this fails, a repository executes while there is network: its settings name a library for every program that cargo
// starts, and cargo starts the compiler while it fetches.
static void test_settings_wait_for_the_build(void **state) {
    (void)state;
    REPO("preload", CRATE("app", EMPTY_MAIN), ".cargo/config.toml",
         "[env]\nLD_PRELOAD = { value = \"spy.so\", relative = true, force = true }\n", "spy.c",
         "#include <stdlib.h>\n__attribute__((constructor)) static void spy(void) { if (getenv(\"https_proxy\")) "
         "abort(); }"
         "\n");
    sh("cd %s/repos/test/preload && gcc -shared -fPIC -o spy.so spy.c && git add -A && git -c user.name=t -c "
       "user.email=t@t "
       "commit -qm so",
       work);
    struct build_result r = build("preload", "main", "wasm32-wasip1");
    assert_int_equal(r.end, BUILD_OK);
}

// If this fails, nobody can say what a guest without a lock was built from.
static void test_lock_is_made(void **state) {
    (void)state;
    REPO("unlocked", "Cargo.toml", PACKAGE("app") "[dependencies]\nsmall = { path = \"small\" }\n", "src/main.rs",
         EMPTY_MAIN, "small/Cargo.toml", PACKAGE("small"), "small/src/lib.rs", "");
    struct build_result r = build("unlocked", "main", "wasm32-wasip1");
    assert_int_equal(r.end, BUILD_OK);
    struct hash h = sha256(r.lock);
    assert_true(hash_eq(&h, &r.lock_hash));
    assert_true(r.lock_made > 1600000000);
    assert_non_null(memmem(r.lock.ptr, r.lock.len, "name = \"small\"", 14));
    // A lock that was made before is taken again, whatever is new since.
    struct build_result known = r;
    struct err e = {0};
    struct build_source s = {.repo = "https://folder.invalid/test/unlocked", .ref = "main", .target = "wasm32-wasip1"};
    const struct patience w = {clock_mono_ms() + 60000, NULL};
    known.lock = slice_str(arena_printf(arena, "# kept\n%.*s", SLICE_FMT(r.lock)));
    known.lock_made = 1234567890;
    assert_ok(builder_build(builder, arena, &s, &w, &known, &e), &e);
    assert_int_equal(known.end, BUILD_OK);
    assert_true(slice_starts(known.lock, SLICE_LIT("# kept\n")) && known.lock_made == 1234567890);
    assert_true(hash_eq(&known.wasm_hash, &r.wasm_hash));
    // With that lock the module is the same, and there is nothing to keep.
    sh("cd %s/repos/test/unlocked && cat >Cargo.lock <<'E'\n%.*sE\ngit add -A && git -c user.name=t -c user.email=t@t "
       "commit -q -m lock",
       work, SLICE_FMT(r.lock));
    struct build_result again = build("unlocked", "main", "wasm32-wasip1");
    assert_int_equal(again.end, BUILD_OK);
    assert_true(hash_eq(&again.wasm_hash, &r.wasm_hash));
    assert_true(again.lock.len == 0 && again.lock_made == 0);
    sh("cd %s/repos/test/unlocked && printf '%%s' '%s' >Cargo.lock && git -c user.name=t -c user.email=t@t commit -qam "
       "old",
       work, LOCK("app"));
    r = build("unlocked", "main", "wasm32-wasip1");
    ends("a lock that does not fit", &r, BUILD_DEPENDENCY, "Adding small v0.1.0");
}

// If this fails, a guest that asks for the component target is another one than its author's.
static void test_wasip2_is_a_target(void **state) {
    (void)state;
    REPO("p2", "Cargo.toml", PACKAGE("app"), "Cargo.lock", LOCK("app"), "build.rs",
         "fn main() { assert_eq!(std::env::var(\"TARGET\").unwrap(), \"wasm32-wasip2\"); }\n", "src/main.rs",
         "#[cfg(not(target_env = \"p2\"))]\ncompile_error!(\"p2\");\n"
         "fn main() { let e = std::net::TcpStream::connect(\"example.com:80\").err();\n"
         " let _ = std::thread::Builder::new().spawn(|| ()); println!(\"{e:?}\"); }\n");
    struct build_result r = build("p2", "main", "wasm32-wasip2");
    assert_int_equal(r.end, BUILD_OK);
    assert_int_equal(r.wasm.ptr[4], 13);
}

// If this fails, a guest that is not in the root, or is one of several programs, is not found, or another one is taken.
static void test_which_program(void **state) {
    (void)state;
    REPO("below", "a/guest/Cargo.toml", PACKAGE("guest"), "a/guest/src/main.rs", EMPTY_MAIN, "b/Makefile", MAKEFILE,
         "b/main.c", HELLO);
    struct build_result r = build("below", "main", "wasm32-wasip1");
    ends("a root without manifest", &r, BUILD_NO_RECIPE, "Makefile in b/, Cargo.toml in a/guest/: ask for");
    ends("a root without manifest", &r, BUILD_NO_RECIPE, "https://folder.invalid/test/below//b");
    struct hash root_key = r.build_key;
    r = build_in("below", "a/guest", "main", "wasm32-wasip1", 60000);
    assert_int_equal(r.end, BUILD_OK);
    assert_string_equal(r.repo, "https://folder.invalid/test/below//a/guest");
    assert_false(hash_eq(&root_key, &r.build_key));
    r = build_in("below", "b", "main", "wasm32-wasip1", 60000);
    assert_int_equal(r.end, BUILD_OK);
    r = build_in("below", "../x", "main", "wasm32-wasip1", 60000);
    ends("a folder outside", &r, BUILD_BAD_SOURCE, "not a folder of it");
    r = build_in("below", "none", "main", "wasm32-wasip1", 60000);
    ends("no such folder", &r, BUILD_NO_RECIPE, "in its folder none; there is");

    REPO("contract", "Cargo.toml", PACKAGE("contract") "[lib]\ncrate-type = [\"cdylib\"]\n", "src/lib.rs",
         "extern \"C\" { fn value_return(n: u64, p: u64); }\n#[no_mangle]\npub extern \"C\" fn flip() { unsafe { "
         "value_return(0, 0) } }\n",
         "worker/Cargo.toml", PACKAGE("worker") "[workspace]\n", "worker/src/main.rs", EMPTY_MAIN);
    r = build("contract", "main", "wasm32-wasip1");
    ends("a contract", &r, BUILD_FAILED, "Cargo.toml in worker/");
    r = build_in("contract", "worker", "main", "wasm32-wasip1", 60000);
    assert_int_equal(r.end, BUILD_OK);

    REPO("two", "Cargo.toml", PACKAGE("two"), "src/bin/one.rs", EMPTY_MAIN, "src/bin/other.rs",
         "fn main() { println!(\"2\"); }\n");
    r = build("two", "main", "wasm32-wasip1");
    ends("two programs", &r, BUILD_BAD_OUTPUT, "one.wasm and other.wasm");
    ends("two programs", &r, BUILD_BAD_OUTPUT, "default-run");
    REPO("chosen", "Cargo.toml", PACKAGE("two") "default-run = \"other\"\n", "src/bin/one.rs", EMPTY_MAIN,
         "src/bin/other.rs", "fn main() { println!(\"2\"); }\n");
    r = build("chosen", "main", "wasm32-wasip1");
    assert_int_equal(r.end, BUILD_OK);
    REPO(
        "feature", "Cargo.toml",
        PACKAGE(
            "app") "[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n[features]\nguest = []\n[[bin]]\nname = \"app-guest\"\n"
                   "path = \"src/guest.rs\"\nrequired-features = [\"guest\"]\n",
        "src/lib.rs", "", "src/guest.rs", EMPTY_MAIN);
    r = build("feature", "main", "wasm32-wasip1");
    assert_int_equal(r.end, BUILD_OK);
    REPO("library", "Cargo.toml", PACKAGE("app") "[lib]\ncrate-type = [\"cdylib\"]\n", "src/lib.rs", "");
    r = build("library", "main", "wasm32-wasip1");
    ends("a library", &r, BUILD_BAD_OUTPUT, "app.wasm is a library: it has no _start");
}

// If this fails, settings above the guest's folder are lost, or their folders are looked for beside the wrong one.
static void test_settings_above(void **state) {
    (void)state;
    REPO("above", ".cargo/config.toml",
         "[source.crates-io]\nreplace-with = \"mine\"\n[source.mine]\ndirectory = \"vendor\"\n"
         "[target.wasm32-wasip1]\nrustflags = [\"--cfg\", \"far\"]\n",
         "vendor/own/Cargo.toml", PACKAGE("own"), "vendor/own/src/lib.rs", "pub const A: u32 = 1;\n",
         "vendor/own/.cargo-checksum.json", "{\"files\":{}}", "a/guest/.cargo/config.toml", "[env]\nNEAR = \"yes\"\n",
         "a/guest/Cargo.toml", PACKAGE("guest") "[dependencies]\nown = \"0.1\"\n", "a/guest/src/main.rs",
         "#[cfg(far)]\nfn main() { println!(\"{} {}\", own::A, env!(\"NEAR\")); }\n");
    struct build_result r = build_in("above", "a/guest", "main", "wasm32-wasip1", 60000);
    assert_int_equal(r.end, BUILD_OK);
    assert_non_null(memmem(r.lock.ptr, r.lock.len, "name = \"own\"", 12));
}

// If this fails, a recipe that calls cargo lacks a linker, a library or crates; or what is said does not win over what
// is found.
static void test_recipes_call_cargo(void **state) {
    (void)state;
    REPO("recipe", "outlayer.toml",
         "build = \"rustup target add wasm32-wasip1 && cd worker && cargo build --release --target wasm32-wasip1\"\n"
         "output = \"worker/target/wasm32-wasip1/release/worker.wasm\"\n",
         "Cargo.toml", PACKAGE("contract"), "src/lib.rs", "compile_error!(\"not this one\");\n", "worker/Cargo.toml",
         PACKAGE("worker") "[dependencies]\nsmall = { path = \"../small\" }\n[workspace]\n", "worker/src/main.rs",
         "fn main() { println!(\"{} {}\", small::A, env!(\"OUTLAYER_COMMIT\")); }\n", "small/Cargo.toml",
         PACKAGE("small"), "small/src/lib.rs", "pub const A: u32 = 1;\n");
    struct build_result r = build("recipe", "main", "wasm32-wasip1");
    assert_int_equal(r.end, BUILD_OK);
    assert_non_null(memmem(r.wasm.ptr, r.wasm.len, r.commit, 40));
    assert_non_null(memmem(r.lock.ptr, r.lock.len, "# worker/Cargo.lock", 19));
    REPO("makes", "Makefile",
         "all:\n\ttest $$SOURCE_DATE_EPOCH -gt 1600000000\n\tcd app && cargo build --offline --locked --release "
         "--target "
         "$(OUTLAYER_TARGET)\n",
         "app/src/main.rs", EMPTY_MAIN, "app/Cargo.toml", PACKAGE("app"));
    r = build("makes", "main", "wasm32-wasip2");
    assert_int_equal(r.end, BUILD_OK);
}

// If this fails, no C++ guest can be built.
static void test_cpp(void **state) {
    (void)state;
    REPO("cpp", "Makefile", "app.wasm: main.cpp\n\t$(CXX) $(CXXFLAGS) main.cpp -o app.wasm $(LDFLAGS)\n", "main.cpp",
         "#include <iostream>\n#include <map>\n#include <string>\nint main() { std::map<std::string, int> m{{\"a\", "
         "1}}; "
         "std::cout << m[\"a\"] << std::endl; }\n");
    struct build_result r = build("cpp", "main", "wasm32-wasip1");
    assert_int_equal(r.end, BUILD_OK);
    r = build("cpp", "main", "wasm32-wasip2");
    assert_int_equal(r.end, BUILD_OK);
}

// If this fails, what a guest becomes depends on what else is installed on the worker that builds it: a header of the
// machine's own (of a library that this project needs to be built) is found, or the C library of the machine's programs
// is taken for the guest's.
static void test_nothing_of_this_machine(void **state) {
    (void)state;
    static const char *const headers[] = {"microhttpd.h", "zlib.h", "setjmp.h", "bits/setjmp.h", "cmocka.h"};
    assert_int_equal(access("/usr/include/microhttpd.h", R_OK), 0);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        const char *name = arena_printf(arena, "header%zu", i);
        REPO(name, "Makefile", MAKEFILE, "main.c", arena_printf(arena, "#include <%s>\n" HELLO, headers[i]));
        struct build_result r = build(name, "main", "wasm32-wasip1");
        ends(name, &r, BUILD_FAILED, arena_printf(arena, "fatal error: '%s' file not found", headers[i]));
    }
    // A compiler that the repository calls by itself, for either name of the target; a build script's own compiler.
    REPO("own", "outlayer.toml",
         "build = \"clang-19 --target=wasm32-wasip1 -O2 main.c -o app.wasm && ! ls "
         "/usr/include/microhttpd.h && "
         "! clang-19 --target=wasm32-wasi -E zlib.c && cc host.c && ./a.out | awk '/hello/'\"\noutput = \"app.wasm\"\n",
         "main.c", HELLO, "host.c", HELLO, "zlib.c", "#include <zlib.h>\n");
    struct build_result r = build("own", "main", "wasm32-wasip1");
    assert_int_equal(r.end, BUILD_OK);
}

// Builds that go wrong each have their own answer, inside their deadline, and leave the machine as it was.
static void test_bad_builds(void **state) {
    (void)state;
    REPO("loops", "Makefile", "all:\n\twhile :; do :; done\n");
    struct build_result r = build_within("loops", "main", "wasm32-wasip1", 6000);
    assert_int_equal(r.end, BUILD_TIMEOUT);
    REPO("forks", "Makefile", "all:\n\tf() { f | f & f; }; f\n");
    r = build_within("forks", "main", "wasm32-wasip1", 8000);
    assert_true(r.end == BUILD_FAILED || r.end == BUILD_TIMEOUT);
    REPO("fills", "Makefile", "all:\n\tdd if=/dev/zero of=big bs=1M count=100000\n");
    r = build("fills", "main", "wasm32-wasip1");
    ends("a full disk", &r, BUILD_FAILED, "");
    REPO("loops-in-links", "Makefile", "all:\n\tcd /work && mv src x && ln -s src src\n");
    r = build("loops-in-links", "main", "wasm32-wasip1");
    ends("a link in place of its folder", &r, BUILD_FAILED, "symbolic links");
    REPO("nothing", "README", "no recipe");
    r = build("nothing", "main", "wasm32-wasip1");
    ends("no recipe", &r, BUILD_NO_RECIPE, "Makefile");
    REPO("silent", "Makefile", "all:\n\ttrue\n");
    r = build("silent", "main", "wasm32-wasip1");
    ends("no module", &r, BUILD_BAD_OUTPUT, "");
    r = build("absent", "main", "wasm32-wasip1");
    ends("no repository", &r, BUILD_NO_REPOSITORY, "");
    REPO("c2", "Makefile", MAKEFILE, "main.c", HELLO);
    r = build("c2", "main", "wasm32-wasip1"); // the builder goes on after all of them
    assert_int_equal(r.end, BUILD_OK);
}

// If this fails, nobody can stop a build but its own time.
static void test_cancelled(void **state) {
    (void)state;
    atomic_bool cancel = false;
    struct err e = {0};
    struct build_result r = {0};
    struct build_source s = {.repo = "https://folder.invalid/test/loops", .ref = "main", .target = "wasm32-wasip1"};
    const struct patience w = {clock_mono_ms() + 60000, &cancel};
    assert_ok(builder_resolve(builder, arena, &s, &w, &r, &e), &e);
    cancel = true;
    assert_err(builder_build(builder, arena, &s, &w, &r, &e), &e, ERR_UNAVAILABLE, "cancelled");
    assert_err(builder_resolve(builder, arena, &s, &w, &r, &e), &e, ERR_UNAVAILABLE, "cancelled");
}

static int set_up(void **state) {
    (void)state;
    struct err e = {0};
    if (!mkdtemp(work) || chmod(work, 0755) != 0)
        return -1;
    arena = arena_new();
    struct build_settings s = {.guest_dir = "build/guest",
                               .repo_map = arena_printf(arena, "folder.invalid=%s/repos", work)};
    assert_ok(builder_new(&builder, &s, &e), &e);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    struct err e = {0};
    builder_free(builder);
    arena_free(arena);
    return file_remove_tree(work, &e) ? 0 : -1;
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_c),
                                          cmocka_unit_test(test_rust),
                                          cmocka_unit_test(test_commit_of_a_fork),
                                          cmocka_unit_test(test_builds_execute_without_network),
                                          cmocka_unit_test(test_cargo_settings),
                                          cmocka_unit_test(test_settings_wait_for_the_build),
                                          cmocka_unit_test(test_lock_is_made),
                                          cmocka_unit_test(test_wasip2_is_a_target),
                                          cmocka_unit_test(test_which_program),
                                          cmocka_unit_test(test_settings_above),
                                          cmocka_unit_test(test_recipes_call_cargo),
                                          cmocka_unit_test(test_cpp),
                                          cmocka_unit_test(test_nothing_of_this_machine),
                                          cmocka_unit_test(test_bad_builds),
                                          cmocka_unit_test(test_cancelled)};
int main(void) { return cmocka_run_group_tests(tests, set_up, tear_down); }
