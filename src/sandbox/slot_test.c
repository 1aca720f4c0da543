// SPDX-License-Identifier: Apache-2.0
// Slots, with a keeper whose processes do what a test tells them.
#include "sandbox/slot.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "sandbox/slot_wire.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define HANG_MS 60000 // what comes by itself has come long before, however busy the machine is

static const struct sandbox_offer *offer;
static struct arena *arena;

static struct slot *open_slot(enum sandbox_degree degree) {
    struct err e = {0};
    struct slot *s = NULL;
    struct slot_spec spec = {.program = arena_printf(arena, "%s/../help/slot-prober", file_program_dir(arena)),
                             .degree = degree,
                             .uid = offer->slot_uid,
                             .processes = 32};
    assert_ok(slot_open(&s, &spec, &e), &e);
    return s;
}

static struct slot_process take(struct slot *s) {
    struct err e = {0};
    struct slot_process x;
    assert_ok(slot_take(s, 64 << 20, clock_mono_ms() + HANG_MS, NULL, &x, &e), &e);
    return x;
}

// Its answer, or NULL where it ends without one.
static const char *tell(const struct slot_process *x, const char *order) {
    char text[256] = "";
    struct pollfd f = {x->sock, POLLIN, 0};
    assert_int_equal(send(x->sock, order, strlen(order), MSG_NOSIGNAL), strlen(order));
    assert_int_equal(poll(&f, 1, HANG_MS), 1);
    ssize_t n = recv(x->sock, text, sizeof text - 1, 0);
    return n > 0 ? arena_strdup(arena, text) : NULL;
}

static struct slot_fate finish(struct slot *s) {
    struct slot_fate fate;
    assert_true(slot_finish(s, &fate));
    assert_true(fate.known);
    return fate;
}

// If this fails, a run sees this machine, or more than its own.
static void a_process_has_nothing(void **state) {
    (void)state;
    struct slot *s = open_slot(offer->degree);
    for (int i = 0; i < 3; i++) {
        struct slot_process x = take(s);
        const char *sees = tell(&x, "who");
        const char *want = offer->degree >= SANDBOX_USER ? "pid 1 uid 1000 files 0 ro 1 root 0 dumpable 0 nnp 1 fds 1"
                                                         : arena_printf(arena, "uid %u", offer->slot_uid);
        if (!sees || !strstr(sees, want) || !strstr(sees, "ro 1") || !strstr(sees, "dumpable 0 nnp 1 fds 1"))
            fail_msg("'%s', want '%s'", sees ? sees : "", want);
        assert_int_equal(finish(s).status, SIGKILL);
    }
    slot_close(s);
}

// If this fails, how a run ended is not known, or what it has started goes on.
static void an_end_is_known_and_of_all(void **state) {
    (void)state;
    struct slot *s = open_slot(offer->degree);
    struct slot_process x = take(s);
    assert_null(tell(&x, "exit 5"));
    assert_int_equal(finish(s).status, 5 << 8);
    x = take(s);
    assert_string_equal(tell(&x, "kill keeper"), "0"); // pid 1 of its namespace, and has no parent that it sees
    finish(s);
    if (offer->degree < SANDBOX_USER) {
        slot_close(s);
        return;
    }
    x = take(s);
    assert_string_equal(tell(&x, "fork"), "done");
    int copy = dup(x.sock); // held by the forked process as well: its end shows when that has ended, too
    finish(s);
    struct pollfd f = {copy, POLLIN, 0};
    assert_int_equal(poll(&f, 1, HANG_MS), 1);
    assert_int_equal(recv(copy, &(char){0}, 1, 0), 0);
    close(copy);
    slot_close(s);
}

// If this fails, a run that uses too much memory takes others with it, or its end has no explanation.
static void memory_is_the_slots_own(void **state) {
    (void)state;
    if (!offer->cgroup.memory)
        skip();
    struct slot *s = open_slot(offer->degree);
    for (int i = 0; i < 2; i++) {
        struct slot_process x = take(s);
        assert_null(tell(&x, "memory"));
        struct slot_fate fate = finish(s);
        assert_true(fate.out_of_memory);
        assert_int_equal(fate.status, SIGKILL);
        x = take(s); // and the next one has as much as it may
        assert_non_null(tell(&x, "who"));
        assert_false(finish(s).out_of_memory);
    }
    slot_close(s);
}

// If this fails, a process that died while it waited is given a job; or a keeper that dies or hangs holds a thread.
static void deaths_are_noticed(void **state) {
    (void)state;
    struct err e = {0};
    struct slot_fate fate;
    struct slot *s = open_slot(offer->degree);
    struct slot_process x = take(s), y;
    int pidfd = dup(x.pidfd);
    finish(s);
    close(pidfd);
    x = take(s);
    assert_int_equal(syscall(SYS_pidfd_send_signal, x.pidfd, SIGKILL, NULL, 0), 0);
    assert_true(slot_finish(s, &fate));
    y = take(s);
    assert_non_null(tell(&y, "who"));
    finish(s);
    slot_close(s);
    s = NULL;
    struct slot_spec none = {.program = "/no/such/program", .degree = SANDBOX_PROCESS, .uid = 1, .processes = 32};
    assert_err(slot_open(&s, &none, &e), &e, ERR_UNAVAILABLE, "cannot start '/no/such/program'");
    none.program = "/bin/false";
    if (slot_open(&s, &none, &e))
        assert_err(slot_take(s, 1 << 20, clock_mono_ms() + HANG_MS, NULL, &x, &e), &e, ERR_UNAVAILABLE,
                   "keeper has died");
    slot_close(s);
}

// If this fails, whoever ends a service with all its processes at once ends every run under way, while the worker still
// waits for their answers.
static void only_its_starter_ends_a_slot(void **state) {
    (void)state;
    char text[64] = "";
    struct slot *s = open_slot(offer->degree);
    struct slot_process x = take(s);
    int fd = open(arena_printf(arena, "/proc/self/task/%d/children", (int)getpid()), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    close(fd);
    for (size_t i = 0; i < 3; i++) // the keeper's outermost process is the only child
        assert_int_equal(kill((int)strtol(text, NULL, 10), (int[]){SIGTERM, SIGINT, SIGHUP}[i]), 0);
    assert_non_null(tell(&x, "who"));
    finish(s);
    x = take(s);
    assert_non_null(tell(&x, "who"));
    finish(s);
    slot_close(s);
}

// A starter that is slow: so many orders are sent at once, each further one when the keeper is gone.
static int orders_left = -1;
ssize_t send(int fd, const void *bytes, size_t n, int flags) { // in place of libc's
    struct pollfd gone = {fd, POLLRDHUP, 0};
    if (orders_left >= 0 && orders_left-- == 0)
        assert_int_equal(poll(&gone, 1, HANG_MS), 1);
    return sendto(fd, bytes, n, flags, NULL, 0);
}

// If this fails, a slot that cannot be made is used all the same, or nobody learns why.
static void what_cannot_be_made_is_told(void **state) {
    (void)state;
    if (offer->degree != SANDBOX_FULL)
        skip();
    struct err e = {0};
    struct slot *s;
    struct slot_process x;
    struct slot_spec spec = {.program = arena_printf(arena, "%s/../help/slot-prober", file_program_dir(arena)),
                             .degree = SANDBOX_FULL,
                             .uid = 4294967295u, // nobody's
                             .processes = 32};
    for (int i = 0; i < 2; i++) {
        orders_left = i ? 1 : -1;
        assert_ok(slot_open(&s, &spec, &e), &e);
        assert_err(slot_take(s, 1 << 20, clock_mono_ms() + HANG_MS, NULL, &x, &e), &e, ERR_UNAVAILABLE,
                   "cannot map user");
        slot_close(s);
    }
    orders_left = -1;
}

static bool has_processes(unsigned uid) {
    char path[300];
    bool found = false;
    DIR *d = opendir("/proc");
    for (struct dirent *it; d && !found && (it = readdir(d));) {
        SCOPED_ARENA(a);
        struct slice text;
        snprintf(path, sizeof path, "/proc/%s/status", it->d_name);
        found = isdigit((unsigned char)it->d_name[0]) && file_read(a, path, 65536, &text, NULL) &&
                strstr(arena_text(a, text), arena_printf(a, "\nUid:\t%u\t", uid));
    }
    if (d)
        closedir(d);
    return found;
}

// If this fails, a worker that is killed leaves runs behind that go on for ever.
static void all_ends_with_its_starter(void **state) {
    (void)state;
    if (offer->degree != SANDBOX_FULL)
        skip();
    unsigned uid = offer->slot_uid + 200 + (unsigned)getpid() % 50; // whom nobody else uses now
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t starter = fork();
    if (starter == 0) {
        struct err e = {0};
        struct slot *s;
        struct slot_process x;
        struct slot_spec spec = {.program = arena_printf(arena, "%s/../help/slot-prober", file_program_dir(arena)),
                                 .degree = SANDBOX_FULL,
                                 .uid = uid,
                                 .processes = 32};
        bool ok = slot_open(&s, &spec, &e) && slot_take(s, 64 << 20, clock_mono_ms() + HANG_MS, NULL, &x, &e) &&
                  tell(&x, "fork") && write(ready[1], "x", 1) == 1;
        while (ok)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &(char){0}, 1), 1);
    close(ready[0]);
    assert_true(has_processes(uid));
    kill(starter, SIGKILL);
    waitpid(starter, NULL, 0);
    for (uint64_t start = clock_mono_ms(); has_processes(uid) && clock_mono_ms() - start < HANG_MS;)
        poll(NULL, 0, 20);
    assert_false(has_processes(uid));
}

// If this fails, a worker runs strangers' code with less than its operator has accepted, or says nothing useful.
static void less_than_asked_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {"process", "user", "full"};
    for (enum sandbox_degree have = SANDBOX_NONE; have <= SANDBOX_FULL; have++) {
        struct sandbox_offer o = {.degree = have, .can_isolate = have >= SANDBOX_USER, .missing = "something"};
        for (size_t want = 0; want < ARRAY_LEN(names); want++) {
            struct err e = {0};
            if (have > want) {
                assert_ok(sandbox_require(&o, names[want], &e), &e);
                continue;
            }
            assert_err(sandbox_require(&o, names[want], &e), &e, ERR_SETTINGS, "missing: something");
            assert_non_null(strstr(e.msg, names[want]));
            assert_non_null(strstr(e.hint, have ? sandbox_degree_name(have) : "root"));
        }
    }
    struct err e = {0};
    assert_err(sandbox_require(offer, "best", &e), &e, ERR_SETTINGS, "'best', not full, user or process");
    assert_err(sandbox_require(offer, "none", &e), &e, ERR_SETTINGS, "'none', not full, user or process");
}

static void notes_are_checked(void **state) {
    (void)state;
    struct slot_note n = {.kind = SLOT_FORKED};
    assert_true(slot_note_valid(&n, sizeof n));
    assert_false(slot_note_valid(&n, sizeof n - 1));
    n.kind = 0;
    assert_false(slot_note_valid(&n, sizeof n));
    n.kind = SLOT_FAILED + 1;
    assert_false(slot_note_valid(&n, sizeof n));
    n.kind = SLOT_FAILED;
    memset(n.text, 'x', sizeof n.text);
    assert_false(slot_note_valid(&n, sizeof n));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_has_nothing),       cmocka_unit_test(an_end_is_known_and_of_all),
        cmocka_unit_test(memory_is_the_slots_own),     cmocka_unit_test(deaths_are_noticed),
        cmocka_unit_test(what_cannot_be_made_is_told), cmocka_unit_test(all_ends_with_its_starter),
        cmocka_unit_test(less_than_asked_is_refused),  cmocka_unit_test(notes_are_checked),
        cmocka_unit_test(only_its_starter_ends_a_slot)};
    arena = arena_new();
    offer = sandbox_probe(NULL);
    fprintf(stderr, "%s: %s\n", sandbox_degree_name(offer->degree), offer->text);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
