// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "base/test.h"
#include "keystore/generate.h"
#include "keystore/master.h"
#include "keystore/sessions.h"
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct scope alice = {
    .network = "devnet", .contract = "c.near", .owner = "alice.near", .repo = "github.com/a/b", .profile = "p"};

static char *folder(void) {
    char *path = xstrdup("/tmp/keystore_test.XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static void drop(char *path) {
    struct err e;
    assert_true(file_remove_tree(path, &e));
    free(path);
}

static struct master *opened(const char *home) {
    struct master *m;
    struct err e = {0};
    if (!master_open(&m, home, -1, &e))
        fail_msg("%s", e.msg);
    return m;
}

// After a restart, and after a rotation, what was sealed before must still open; otherwise secrets are lost.
static void keys_outlive_restarts_and_rotations(void **state) {
    (void)state;
    char *home = folder();
    struct hpke_pair first, again, second;
    struct err e;
    struct stat st;
    struct master *m = opened(home);
    struct public_key identity = master_identity(m);
    assert_int_equal(master_generation(m), 1);
    assert_true(master_derive(m, &alice, 1, &first, &e));
    assert_false(master_derive(m, &alice, 2, &again, &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_true(master_rotate(m, &e));
    master_free(m);
    m = opened(home);
    struct public_key same = master_identity(m);
    assert_true(public_key_eq(&identity, &same));
    assert_int_equal(master_generation(m), 2);
    assert_true(master_derive(m, &alice, 1, &again, &e) && master_derive(m, &alice, 2, &second, &e));
    assert_memory_equal(&first, &again, sizeof first);
    assert_memory_not_equal(&first, &second, sizeof first);
    master_free(m);
    SCOPED_ARENA(a);
    assert_int_equal(stat(arena_printf(a, "%s/master.key", home), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    drop(home);
}

static void each_scope_has_its_key(void **state) {
    (void)state;
    char *home = folder();
    struct master *m = opened(home);
    struct hpke_pair base, other;
    struct err e;
    assert_true(master_derive(m, &alice, 1, &base, &e));
    struct scope s[] = {alice, alice, alice, alice, alice};
    s[0].network = "testnet";
    s[1].contract = "d.near";
    s[2].owner = "bob.near";
    s[3].repo = "github.com/a/c";
    s[4].branch = "main";
    for (size_t i = 0; i < ARRAY_LEN(s); i++) {
        assert_true(master_derive(m, &s[i], 1, &other, &e));
        assert_memory_not_equal(&base, &other, sizeof base);
    }
    master_free(m);
    drop(home);
}

// A new master beside old data would make everything unreadable, and nobody would notice before it is needed.
static void lost_or_foreign_masters_stop_the_start(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    char *home = folder(), *other = folder();
    struct master *m;
    struct err e;
    master_free(opened(home));
    master_free(opened(other));
    const char *key = arena_printf(a, "%s/master.key", home);
    assert_int_equal(rename(arena_printf(a, "%s/master.key", other), key), 0);
    assert_false(master_open(&m, home, -1, &e));
    assert_non_null(strstr(e.msg, "another identity"));
    assert_int_equal(unlink(key), 0);
    assert_false(master_open(&m, home, -1, &e));
    assert_non_null(strstr(e.msg, "not its master secret"));
    assert_true(file_write_atomic(key, SLICE_LIT("identity 00\n1 xyz\n"), 0600, &e));
    assert_false(master_open(&m, home, -1, &e));
    assert_null(strstr(e.msg, "xyz"));
    drop(home);
    drop(other);
}

// Between making the secret and writing what is known about it the process may die: the next start goes on.
static void a_crash_at_the_first_start_is_harmless(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    char *home = folder();
    struct master *m = opened(home);
    struct public_key identity = master_identity(m);
    master_free(m);
    assert_int_equal(unlink(arena_printf(a, "%s/keystore.json", home)), 0);
    m = opened(home);
    struct public_key same = master_identity(m);
    assert_true(public_key_eq(&identity, &same));
    master_free(m);
    drop(home);
}

static void the_master_may_come_by_a_descriptor(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    char *home = folder(), *other = folder();
    struct master *m = opened(home);
    struct hpke_pair x, y;
    struct err e;
    assert_true(master_derive(m, &alice, 1, &x, &e));
    master_free(m);
    int fd = open(arena_printf(a, "%s/master.key", home), O_RDONLY);
    assert_true(fd >= 0 && master_open(&m, other, fd, &e));
    assert_true(master_derive(m, &alice, 1, &y, &e));
    assert_memory_equal(&x, &y, sizeof x);
    assert_false(master_rotate(m, &e)); // its place is elsewhere
    assert_int_not_equal(access(arena_printf(a, "%s/master.key", other), F_OK), 0);
    master_free(m);
    drop(home);
    drop(other);
}

// --- sessions

static struct session_terms terms_of(struct sessions *s, uint64_t now) {
    struct session_terms t = {
        .network = "devnet", .contract = "c.near", .account = "worker.near", .expires_at = now + 60};
    sessions_challenge(s, now, t.challenge);
    return t;
}

static void challenges_work_once_and_for_a_minute(void **state) {
    (void)state;
    struct sessions *s = sessions_new();
    struct public_key key = {0};
    struct session out;
    struct err e;
    struct session_terms t = terms_of(s, 1000), old = terms_of(s, 1000), forged = terms_of(s, 1000);
    assert_true(sessions_open(s, &t, &key, 1000, &out, &e));
    t.expires_at++;
    assert_false(sessions_open(s, &t, &key, 1000, &out, &e));
    assert_non_null(strstr(e.msg, "used before"));
    old.expires_at = 1100;
    assert_false(sessions_open(s, &old, &key, 1000 + CHALLENGE_S + 1, &out, &e));
    forged.challenge[31] ^= 1;
    assert_false(sessions_open(s, &forged, &key, 1000, &out, &e));
    struct session_terms hash = terms_of(s, 1000); // a transaction's hash, say
    memset(hash.challenge, 0xab, sizeof hash.challenge);
    assert_false(sessions_open(s, &hash, &key, 1000, &out, &e));
    struct session_terms forever = terms_of(s, 1000);
    forever.expires_at = 1000 + SESSION_S_MAX + 1;
    assert_false(sessions_open(s, &forever, &key, 1000, &out, &e));
    sessions_free(s);
}

static void counters_only_grow_and_sessions_end(void **state) {
    (void)state;
    struct sessions *s = sessions_new();
    struct public_key key = {0};
    struct session out, found;
    struct err e;
    struct session_terms t = terms_of(s, 1000);
    assert_true(sessions_open(s, &t, &key, 1000, &out, &e));
    assert_true(sessions_count(s, &out.id, 1, &e));
    assert_false(sessions_count(s, &out.id, 1, &e));
    assert_true(sessions_count(s, &out.id, 5, &e));
    assert_false(sessions_count(s, &out.id, 4, &e));
    assert_true(sessions_find(s, &out.id, 1059, &found, &e));
    assert_false(sessions_find(s, &out.id, 1060, &found, &e));
    assert_int_equal(e.code, ERR_UNAUTHORIZED);
    assert_true(sessions_revoke(s, &out.id));
    assert_false(sessions_find(s, &out.id, 1001, &found, &e));
    assert_false(sessions_count(s, &out.id, 9, &e));
    sessions_free(s);
}

// One operator's many sessions must not push out another's.
static void sessions_are_bounded_by_account(void **state) {
    (void)state;
    struct sessions *s = sessions_new();
    struct public_key key = {0};
    struct session first, other, out;
    struct err e;
    struct session_terms t = terms_of(s, 1000);
    t.account = "other.near";
    assert_true(sessions_open(s, &t, &key, 1000, &other, &e));
    t = terms_of(s, 1000);
    assert_true(sessions_open(s, &t, &key, 1000, &first, &e));
    for (int i = 0; i < SESSIONS_PER_ACCOUNT; i++) {
        t = terms_of(s, 1000);
        assert_true(sessions_open(s, &t, &key, 1000, &out, &e));
    }
    assert_false(sessions_find(s, &first.id, 1000, &out, &e));
    assert_true(sessions_find(s, &other.id, 1000, &out, &e));
    SCOPED_ARENA(a);
    struct session *list;
    assert_int_equal(sessions_list(s, a, 1000, &list), SESSIONS_PER_ACCOUNT + 1);
    sessions_free(s);
}

// Nor may one operator use up what is remembered of challenges, which would keep all others out for a minute.
static void challenges_are_bounded_by_account(void **state) {
    (void)state;
    struct sessions *s = sessions_new();
    struct public_key key = {0};
    struct session out;
    struct err e;
    struct session_terms t;
    for (int i = 0; i < CHALLENGES_PER_ACCOUNT; i++) {
        t = terms_of(s, 1000);
        assert_true(sessions_check(s, &t, 1000, &e));
        assert_true(sessions_open(s, &t, &key, 1000, &out, &e));
    }
    assert_false(sessions_check(s, &t, 1000, &e)); // used
    t = terms_of(s, 1000);
    assert_false(sessions_open(s, &t, &key, 1000, &out, &e));
    assert_int_equal(e.code, ERR_TOO_MANY);
    t.account = "other.near";
    assert_true(sessions_open(s, &t, &key, 1000, &out, &e));
    t = terms_of(s, 1000 + CHALLENGE_S + 1);
    t.expires_at = 1000 + CHALLENGE_S + 60;
    assert_true(sessions_open(s, &t, &key, 1000 + CHALLENGE_S + 1, &out, &e));
    sessions_free(s);
}

static void generated_secrets_have_their_forms(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        const char *type;
        size_t len;
    } table[] = {{"hex16", 32},    {"hex32", 64},     {"hex64", 128},       {"ed25519_seed", 64},
                 {"password", 32}, {"password:8", 8}, {"password:256", 256}};
    static const char *const wrong[] = {
        "",           "hex",       "hex128",          "password:",           "password:7", "password:257",
        "password:x", "passwordx", "hex32) B (hex16", "password:0000000008", "hex32 "};
    const char *x, *y;
    struct err e;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        assert_true(secret_generate(a, table[i].type, &x, &e) && secret_generate(a, table[i].type, &y, &e));
        assert_int_equal(strlen(x), table[i].len);
        assert_string_not_equal(x, y);
    }
    assert_true(secret_generate(a, "ed25519", &x, &e));
    assert_int_equal(strncmp(x, "ed25519:", 8), 0);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (secret_type_check(wrong[i], &e) || secret_generate(a, wrong[i], &x, &e))
            fail_msg("'%s' was taken", wrong[i]);
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        assert_true(secret_type_check(table[i].type, &e));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_outlive_restarts_and_rotations),
        cmocka_unit_test(each_scope_has_its_key),
        cmocka_unit_test(lost_or_foreign_masters_stop_the_start),
        cmocka_unit_test(a_crash_at_the_first_start_is_harmless),
        cmocka_unit_test(the_master_may_come_by_a_descriptor),
        cmocka_unit_test(challenges_work_once_and_for_a_minute),
        cmocka_unit_test(counters_only_grow_and_sessions_end),
        cmocka_unit_test(sessions_are_bounded_by_account),
        cmocka_unit_test(challenges_are_bounded_by_account),
        cmocka_unit_test(generated_secrets_have_their_forms),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
