// SPDX-License-Identifier: Apache-2.0
#include "builder/tree.h"

#include "base/file.h"
#include "base/test.h"
#include <sys/stat.h>
#include <unistd.h>

static char work[] = "/tmp/tree-test.XXXXXX";
static struct arena *arena;

static void sh(const char *script) {
    const char *cmd = arena_printf(arena, "me=test OUTLAYER_CACHE=%s/cache; . scripts/cache.sh; cd %s; set -e; %s",
                                   work, work, script);
    if (system(cmd) != 0)
        fail_msg("%s", script);
}

// A small sealed tree with each kind of entry.
static const char *make_tree(void) {
    sh("rm -rf t copy; mkdir -p t/sys/usr/bin 't/sys/a b'; echo one >t/sys/usr/bin/one; chmod 755 "
       "t/sys/usr/bin/one;"
       "echo two >'t/sys/a b/two'; : >t/sys/empty; ln -s usr/bin t/sys/bin; ln -s /nowhere t/sys/dead; cache_seal "
       "t");
    return arena_printf(arena, "%s/t", work);
}

// Until the clock of inodes, which goes by the kernel's tick, has gone on since the seal.
static void await_tick(void) { sh("until touch tick && test -n \"$(find tick -newercc t/.whole)\"; do :; done"); }

static void refused(const char *dir, const char *script, enum err_code code, const char *words) {
    struct err e = {0};
    struct hash h;
    const char *path;
    sh(script);
    if (tree_open(arena, dir, &path, &h, &e) || e.code != code || !strstr(e.msg, words) || !e.hint[0])
        fail_msg("after %s: '%s' (%s), want '%s'", script, e.msg, e.hint, words);
}

// If this fails, a tree that nobody touched is refused, or its name is not the hash that the build record promises.
static void test_whole(void **state) {
    (void)state;
    struct err e = {0};
    struct hash h, want;
    struct slice text;
    const char *path, *dir = make_tree();
    assert_ok(tree_open(arena, dir, &path, &h, &e), &e);
    assert_string_equal(path, dir);
    assert_ok(file_read(arena, arena_printf(arena, "%s/manifest", dir), 4096, &text, &e), &e);
    want = sha256(text);
    assert_memory_equal(&h, &want, sizeof h);
    sh("ln -sfn t link");
    assert_ok(tree_open(arena, arena_printf(arena, "%s/link", work), &path, &h, &e), &e);
    assert_string_equal(path, dir);
}

// If this fails, a tree in an image of a container or from a back-up cannot be used, or what was changed on the way
// can.
static void test_copied(void **state) {
    (void)state;
    struct err e = {0};
    struct hash h, again;
    const char *path, *dir = make_tree(), *copy = arena_printf(arena, "%s/copy", work);
    assert_ok(tree_open(arena, dir, &path, &h, &e), &e);
    // .whole first, as in an archive: everything else is younger.
    sh("mkdir copy; cp -a t/.whole copy/; until touch tick && test -n \"$(find tick -newercc copy/.whole)\"; do :; "
       "done; cp -a t/manifest t/sys copy/");
    assert_ok(tree_open(arena, copy, &path, &again, &e), &e);
    assert_memory_equal(&h, &again, sizeof h);
    refused(copy, "echo twO >'copy/sys/a b/two'", ERR_CORRUPT, "is not as it was made");
}

// If this fails, modules are built with what somebody slipped into the toolchain, and recorded as the true one's.
static void test_changed(void **state) {
    (void)state;
    static const char *const changes[] = {
        "echo twO >'t/sys/a b/two'",                                                             // same size
        "touch -r t/sys/empty ref; echo oNe >t/sys/usr/bin/one; touch -r ref t/sys/usr/bin/one", // and same times
        "echo more >t/sys/usr/bin/more",
        "rm t/sys/empty",
        "chmod 644 t/sys/usr/bin/one",
        "ln -sfn /elsewhere t/sys/dead",
        "mv t/sys/empty t/sys/full",
        "rm t/sys/empty; mkdir t/sys/empty",
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        const char *dir = make_tree();
        await_tick();
        refused(dir, changes[i], ERR_CORRUPT, "is not as it was made");
    }
    refused(make_tree(), "sed -i s/one/oNe/ t/manifest", ERR_CORRUPT, "is not as it was made");
    refused(make_tree(), "rm t/.whole", ERR_SETTINGS, "is not whole");
    refused(make_tree(), "echo x >t/.whole", ERR_SETTINGS, "is not whole");
    refused(make_tree(), "rm t/manifest", ERR_SETTINGS, "is not whole");
}

// If this fails, another user of the machine can change what guests are built with.
static void test_others(void **state) {
    (void)state;
    refused(make_tree(), "chmod g+w t/sys/empty", ERR_SETTINGS, "can be written by others");
    refused(make_tree(), "chmod o+w t/sys/usr", ERR_SETTINGS, "can be written by others");
    make_tree();
    refused(arena_printf(arena, "%s/open/t", work), "mkdir -p open; cp -a t open/; chmod 777 open", ERR_SETTINGS,
            "open' can be written by others");
    refused(make_tree(), "chmod 1777 t", ERR_SETTINGS, "t' can be written by others");
    if (geteuid() != 0)
        return;
    refused(make_tree(), "chown -h 12345 t/sys/dead", ERR_SETTINGS, "belongs to somebody else");
    refused(make_tree(), "chown 12345 t", ERR_SETTINGS, "t' belongs to somebody else");
    make_tree();
    refused(arena_printf(arena, "%s/theirs/t", work), "mkdir theirs; cp -a t theirs/; chown 12345 theirs", ERR_SETTINGS,
            "theirs' belongs to somebody else");
}

static int set_up(void **state) {
    (void)state;
    arena = arena_new();
    return mkdtemp(work) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    struct err e = {0};
    arena_free(arena);
    return file_remove_tree(work, &e) ? 0 : -1;
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_copied),
                                          cmocka_unit_test(test_changed), cmocka_unit_test(test_others)};
int main(void) { return cmocka_run_group_tests(tests, set_up, tear_down); }
