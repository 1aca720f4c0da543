// SPDX-License-Identifier: Apache-2.0
#include "builder/build.h"

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

static struct build_result build(const char *name, const char *ref, const char *target) {
    struct err e = {0};
    struct build_result r = {0};
    struct build_source s = {arena_printf(arena, "https://folder.invalid/test/%s", name), ref, target};
    assert_ok(builder_resolve(builder, arena, &s, 20000, &r, &e), &e);
    if (r.end == BUILD_OK)
        assert_ok(builder_build(builder, arena, &s, 60000, &r, &e), &e);
    fprintf(stderr, "   %s %s: %s in %llu ms, %zu bytes: %s\n", name, target, build_end_slug(r.end),
            (unsigned long long)r.build_ms, r.wasm.len, r.reason ? r.reason : "");
    return r;
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

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_c), cmocka_unit_test(test_rust)};
int main(void) { return cmocka_run_group_tests(tests, set_up, tear_down); }
