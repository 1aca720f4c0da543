// SPDX-License-Identifier: Apache-2.0
// The master's files when something goes wrong around them: killed between two writes, left half-written, shown to
// others.
#include "keystore/master.h"

#include "base/file.h"
#include "base/test.h"
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct scope alice = {
    .network = "devnet", .contract = "c.near", .owner = "alice.near", .repo = "github.com/a/b", .profile = "p"};

struct place {
    struct arena *a;
    char home[32];
    const char *key, *facts;
};

static int enter(void **state) {
    struct place *p = xcalloc(1, sizeof *p);
    p->a = arena_new();
    snprintf(p->home, sizeof p->home, "/tmp/master_test.XXXXXX");
    assert_non_null(mkdtemp(p->home));
    p->key = arena_printf(p->a, "%s/master.key", p->home);
    p->facts = arena_printf(p->a, "%s/keystore.json", p->home);
    *state = p;
    return 0;
}

static int leave(void **state) {
    struct place *p = *state;
    bool ok = file_remove_tree(p->home, NULL);
    arena_free(p->a);
    free(p);
    return ok ? 0 : -1;
}

static struct master *opened(const struct place *p) {
    struct master *m = NULL;
    struct err e = {0};
    assert_ok(master_open(&m, p->home, -1, &e), &e);
    return m;
}

static bool exists(const char *path) { return access(path, F_OK) == 0; }

static struct slice content(const struct place *p, const char *path) {
    struct slice text;
    struct err e = {0};
    assert_ok(file_read(p->a, path, 1 << 20, &text, &e), &e);
    return text;
}

static struct hpke_pair key_of(struct master *m, uint32_t generation) {
    struct hpke_pair pair;
    struct err e = {0};
    assert_ok(master_derive(m, &alice, generation, &pair, &e), &e);
    return pair;
}

// Killed between the two writes of a rotation: the secret is newer than the facts. What was sealed meanwhile is lost if
// the next start refuses or makes the generation anew.
static void a_kill_between_the_writes_of_a_rotation(void **state) {
    struct place *p = *state;
    struct err e = {0};
    struct master *m = opened(p);
    struct slice before = content(p, p->facts);
    assert_ok(master_rotate(m, &e), &e);
    struct hpke_pair first = key_of(m, 1), second = key_of(m, 2), again;
    struct slice after = content(p, p->facts);
    master_free(m);
    assert_false(slice_eq(before, after));
    assert_ok(file_write_atomic(p->facts, before, 0600, &e), &e);
    m = opened(p);
    assert_int_equal(master_generation(m), 2);
    again = key_of(m, 1);
    assert_memory_equal(&first, &again, sizeof first);
    again = key_of(m, 2);
    assert_memory_equal(&second, &again, sizeof second);
    assert_true(slice_eq(content(p, p->facts), after)); // brought up to date
    master_free(m);
}

// A rotation that could not be written down as a fact is in force all the same, and whoever reads the log must know.
static void a_rotation_without_its_facts_is_in_force(void **state) {
    struct place *p = *state;
    struct err e = {0};
    struct master *m = opened(p);
    assert_true(unlink(p->facts) == 0 && mkdir(p->facts, 0700) == 0);
    assert_err(master_rotate(m, &e), &e, ERR_IO, "keystore.json");
    assert_int_equal(master_generation(m), 2);
    struct hpke_pair second = key_of(m, 2), again;
    master_free(m);
    assert_int_equal(rmdir(p->facts), 0);
    m = opened(p);
    again = key_of(m, 2);
    assert_memory_equal(&second, &again, sizeof second);
    assert_true(exists(p->facts));
    master_free(m);
}

// A rotation whose secret could not be written is none: what would be sealed with it could not be opened after a
// restart.
static void a_rotation_without_its_secret_is_none(void **state) {
    struct place *p = *state;
    struct err e = {0};
    struct master *m = opened(p);
    const char *away = arena_printf(p->a, "%s.away", p->key);
    assert_true(rename(p->key, away) == 0 && mkdir(p->key, 0700) == 0);
    assert_err(master_rotate(m, &e), &e, ERR_IO, "master.key");
    assert_int_equal(master_generation(m), 1);
    assert_false(master_derive(m, &alice, 2, &(struct hpke_pair){0}, &e));
    assert_true(rmdir(p->key) == 0 && rename(away, p->key) == 0);
    assert_ok(master_rotate(m, &e), &e);
    assert_int_equal(master_generation(m), 2);
    master_free(m);
}

// Every file with the master in it is one more that can be copied, and nobody knows of one with a random name.
static void a_half_written_master_goes_at_the_next_start(void **state) {
    struct place *p = *state;
    struct err e = {0};
    master_free(opened(p));
    const char *stale = arena_printf(p->a, "%s.tmp-a1B2c3", p->key);
    const char *mine = arena_printf(p->a, "%s.backup", p->key), *longer = arena_printf(p->a, "%s.tmp-version", p->key);
    const char *all[] = {stale, mine, longer};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_ok(file_write_atomic(all[i], SLICE_LIT("identity 00"), 0600, &e), &e);
    master_free(opened(p));
    assert_false(exists(stale));
    assert_true(exists(mine) && exists(longer)); // somebody's own
}

static void a_master_that_others_can_read_is_refused(void **state) {
    struct place *p = *state;
    struct err e = {0};
    struct master *m;
    master_free(opened(p));
    static const unsigned bad[] = {0644, 0604, 0666, 0601, 0641};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(chmod(p->key, bad[i]), 0);
        assert_err(master_open(&m, p->home, -1, &e), &e, ERR_SETTINGS, "open to others");
        assert_non_null(strstr(e.hint, "chmod 600"));
    }
    static const unsigned good[] = {0400, 0600, 0660}; // the last one as volumes of containers come
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(chmod(p->key, good[i]), 0);
        master_free(opened(p));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_kill_between_the_writes_of_a_rotation),  TEST(a_rotation_without_its_facts_is_in_force),
        TEST(a_rotation_without_its_secret_is_none),    TEST(a_half_written_master_goes_at_the_next_start),
        TEST(a_master_that_others_can_read_is_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
