// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox_internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "sandbox/confine.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define HANG_MS 60000 // what ends by itself has ended long before, however busy the machine is

static const char *const plain_env[] = {"PATH=/usr/bin:/bin", "WHO=somebody", NULL};

static struct sandbox *open_box(uint64_t work_bytes, uint64_t memory_bytes) {
    struct err e = {0};
    struct sandbox *s = NULL;
    struct sandbox_spec spec = {
        .work_bytes = work_bytes, .tmp_bytes = 1 << 20, .memory_bytes = memory_bytes, .processes = 64};
    assert_ok(sandbox_open(&s, &spec, &e), &e);
    return s;
}

static struct sandbox_result run_in(struct sandbox *s, struct arena *a, const char *script, bool network, uint64_t ms) {
    struct err e = {0};
    struct sandbox_result r = {0};
    const char *argv[] = {"/bin/bash", "-c", script, NULL};
    struct sandbox_command c = {.argv = argv,
                                .env = plain_env,
                                .network = network,
                                .deadline_ms = clock_mono_ms() + ms,
                                .cpu_seconds = 20,
                                .output_max = 4096};
    assert_ok(sandbox_run(s, a, &c, &r, &e), &e);
    return r;
}

// A shell command in a box of its own.
static struct sandbox_result in_box(struct arena *a, const char *script) {
    struct sandbox *s = open_box(8 << 20, 256 << 20);
    struct sandbox_result r = run_in(s, a, script, false, HANG_MS);
    sandbox_close(s);
    return r;
}

static bool says(const struct sandbox_result *r, const char *text) {
    return r->output.len && memmem(r->output.ptr, r->output.len, text, strlen(text));
}

// Every line of the script prints "held" where the box held; anything else is shown.
static void assert_all_held(const char *script, size_t lines) {
    SCOPED_ARENA(a);
    struct sandbox_result r = in_box(a, script);
    size_t held = 0;
    for (size_t i = 0; i + 5 <= r.output.len; i++)
        held += memcmp(r.output.ptr + i, "held\n", 5) == 0;
    if (held != lines || r.output.len != 5 * lines)
        fail_msg("%zu of %zu held: %.*s", held, lines, SLICE_FMT(r.output));
}

// How long the processes sleep that a test looks for afterwards: a number that nobody else on this machine waits for.
static const char *mark(void) {
    static _Thread_local char text[16];
    snprintf(text, sizeof text, "97%07d", (int)getpid());
    return text;
}

// Whether a process with such a number in its command line is there.
static bool process_there(void) {
    const char *word = mark();
    DIR *d = opendir("/proc");
    bool found = false;
    for (struct dirent *it; d && !found && (it = readdir(d));) {
        char path[300], line[512] = "";
        snprintf(path, sizeof path, "/proc/%s/cmdline", it->d_name);
        FILE *f = isdigit((unsigned char)it->d_name[0]) ? fopen(path, "r") : NULL;
        size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0;
        if (f)
            fclose(f);
        found = n && memmem(line, n, word, strlen(word)) && strtol(it->d_name, NULL, 10) != getpid();
    }
    if (d)
        closedir(d);
    return found;
}

// If this fails, no build can run: exit status, both outputs, environment, folder of a plain command.
static void test_runs_a_command(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct sandbox_result r = in_box(a, "echo out; echo err >&2; echo $WHO $PWD $HOME. $(id -u); exit 7");
    assert_int_equal(r.end, SANDBOX_EXITED);
    assert_int_equal(r.status, 7);
    assert_slice(r.output, "out\nerr\nsomebody /work . 1000\n");
    r = in_box(a, "kill -SEGV $$");
    assert_int_equal(r.end, SANDBOX_SIGNALED);
    assert_int_equal(r.status, SIGSEGV);
}

// If this fails, a build holds the socket over which its box is told what to do: it can forge answers, swallow orders.
static void test_exactly_three_descriptors(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct sandbox *s = open_box(1 << 20, 0);
    for (int network = 0; network < 2; network++) { // 3 is the folder that ls reads
        struct sandbox_result r = run_in(s, a, "exec ls /proc/self/fd", network, HANG_MS);
        assert_slice(r.output, "0\n1\n2\n3\n");
        r = run_in(s, a, "for i in 3 4 5 6 7 8 9; do (: <&$i) 2>/dev/null && echo $i open; done; echo end", network,
                   HANG_MS);
        assert_slice(r.output, "end\n");
    }
    sandbox_close(s);
}

// Waits until such a process is there, or is not. Gives whether that came.
static bool process_comes(bool there) {
    for (uint64_t end = clock_mono_ms() + HANG_MS; process_there() != there && clock_mono_ms() < end;)
        poll(NULL, 0, 20);
    return process_there() == there;
}

static void *kill_helper(void *arg) {
    (void)process_comes(true);
    kill(*(int *)arg, SIGKILL); // its child, the box's first process, dies with it
    return NULL;
}

static void *signal_helper(void *arg) {
    (void)process_comes(true);
    for (size_t i = 0; i < 3; i++)
        kill(-*(int *)arg, (int[]){SIGTERM, SIGINT, SIGHUP}[i]); // the helper and the first process
    return NULL;
}

// If this fails, whoever ends a service or a terminal's job with all its processes at once, while the starter still
// lets its work come to an end, makes a build fail as if it had broken its box.
static void test_only_its_starter_ends_a_box(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    pthread_t other;
    struct sandbox *s = open_box(1 << 20, 0);
    assert_int_equal(pthread_create(&other, NULL, signal_helper, &s->pid), 0);
    // Its own signals are as ever.
    struct sandbox_result r =
        run_in(s, a, arena_printf(a, "timeout 2 sleep %s; kill -TERM $$", mark()), false, HANG_MS);
    pthread_join(other, NULL);
    assert_true(r.end == SANDBOX_SIGNALED && r.status == SIGTERM);
    sandbox_close(s);
}

// If this fails, a build that breaks its box ends as this machine's trouble: unpaid, and tried again.
static void test_what_breaks_a_box_pays(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    for (int ours = 0; ours < 2; ours++) {
        struct err e = {0};
        struct sandbox_result r;
        struct slice bytes;
        pthread_t killer;
        struct sandbox *s = open_box(1 << 20, 0);
        const char *argv[] = {"/bin/sleep", mark(), NULL};
        struct sandbox_command c = {
            .argv = argv, .deadline_ms = clock_mono_ms() + HANG_MS, .ours = ours, .output_max = 100};
        int helper = s->pid;
        assert_int_equal(pthread_create(&killer, NULL, kill_helper, &helper), 0);
        bool ok = sandbox_run(s, a, &c, &r, &e);
        pthread_join(killer, NULL);
        assert_true(ok == !ours && sandbox_spoiled(s) == !ours);
        if (ok)
            assert_true(r.end == SANDBOX_BROKEN && strstr(r.why, "has ended"));
        else
            assert_non_null(strstr(e.msg, "has ended"));
        assert_err(sandbox_read(s, a, "/work/x", 9, &bytes, &e), &e, ERR_UNAVAILABLE, "killed");
        sandbox_close(s);
        assert_true(process_comes(false)); // the next one is looked for
    }
}

// If this fails, a build that leaves its box without memory, or a link to itself where its folder was, is tried four
// times for nothing: what the box cannot do after that counts as this machine's trouble.
static void test_what_is_left_is_its_doing(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    for (int before = 0; before < 2; before++) {
        struct err e = {0};
        struct sandbox_result r;
        struct sandbox_file *f;
        size_t n;
        bool cut;
        struct sandbox *s = open_box(1 << 20, 0);
        const char *argv[] = {"/bin/true", NULL};
        struct sandbox_command c = {
            .argv = argv, .dir = "/work/d", .deadline_ms = clock_mono_ms() + HANG_MS, .output_max = 100};
        if (before)
            r = run_in(s, a, "ln -s d d", false, HANG_MS);
        bool ok = sandbox_run(s, a, &c, &r, &e);
        assert_true(ok == before && sandbox_spoiled(s) == before);
        if (ok)
            assert_true(r.end == SANDBOX_BROKEN && strstr(r.why, "cannot enter '/work/d'"));
        else
            assert_non_null(strstr(e.msg, "cannot enter '/work/d'"));
        if (before)
            assert_err(sandbox_scan(s, a, "/work/d", SLICE_LIT("M"), 1, &f, &n, &cut, &e), &e, ERR_IO, "cannot open");
        sandbox_close(s);
    }
}

static void *set_later(void *arg) {
    poll(NULL, 0, 300);
    atomic_store((atomic_bool *)arg, true);
    return NULL;
}

// If this fails, a box whose first process is stopped holds a worker's thread for ever.
static void test_every_question_has_an_end(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        struct err e = {0};
        struct slice bytes;
        pthread_t setter;
        atomic_bool cancel = false;
        struct sandbox_spec spec = {.work_bytes = 1 << 20, .tmp_bytes = 1 << 20, .cancel = &cancel};
        struct sandbox *s = NULL;
        bool opened = false;
        // The deadline is for the opening, too, which a busy machine may need more time for.
        for (uint64_t ms = cancelled ? HANG_MS : 1500; !opened && ms <= HANG_MS; ms *= 2) {
            spec.deadline_ms = clock_mono_ms() + ms;
            opened = sandbox_open(&s, &spec, &e);
        }
        assert_ok(opened, &e);
        kill(-s->pid, SIGSTOP); // the helper and, in its group, the first process
        if (cancelled)
            assert_int_equal(pthread_create(&setter, NULL, set_later, &cancel), 0);
        assert_err(sandbox_read(s, a, "/work/x", 9, &bytes, &e), &e, cancelled ? ERR_UNAVAILABLE : ERR_TIMEOUT,
                   cancelled ? "cancelled" : "does not answer");
        assert_true(cancelled || clock_mono_ms() >= spec.deadline_ms);
        assert_true(clock_mono_ms() < spec.deadline_ms + HANG_MS); // which any question may take without it
        if (cancelled)
            pthread_join(setter, NULL);
        sandbox_close(s);
    }
}

// If this fails, a box that does not come up holds a worker's thread longer than what it is for may take.
static void test_opening_has_an_end(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct sandbox *s = NULL;
    char dir[] = "/tmp/sandbox-test.XXXXXX";
    assert_non_null(mkdtemp(dir));
    const char *silent = arena_printf(a, "%s/silent", dir);
    assert_ok(file_write_atomic(silent, SLICE_LIT("#!/bin/sh\nexec sleep 1000\n"), 0755, &e), &e);
    uint64_t start = clock_mono_ms();
    struct sandbox_spec spec = {
        .work_bytes = 1 << 20, .tmp_bytes = 1 << 20, .deadline_ms = start + 300, .helper = silent};
    assert_err(sandbox_open(&s, &spec, &e), &e, ERR_TIMEOUT, "does not answer");
    assert_null(s);
    assert_in_range(clock_mono_ms() - start, 300, HANG_MS - 1); // which it may take without a deadline
    assert_ok(file_remove_tree(dir, &e), &e);
}

// If this fails, memory that no process maps is not counted: memory files, shared mappings, System V memory.
static void test_shared_memory_is_counted(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char *const ways[] = {
        "import os,sys; f=os.memfd_create('x'); b=b'x'*(1<<20); [os.write(f,b) for i in range(480)]; print('ALL')",
        "import mmap; m=mmap.mmap(-1,480<<20); [m.write(b'x'*(1<<20)) for i in range(480)]; print('ALL')",
        "import ctypes as c; l=c.CDLL(None); l.shmat.restype=c.c_void_p; i=l.shmget(0,480<<20,0o1600); "
        "p=l.shmat(i,0,0); "
        "c.memset(p,1,480<<20); print('ALL')"};
    bool counted = sandbox_probe(NULL)->cgroup.memory;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct sandbox *s = open_box(8 << 20, 200 << 20);
        struct err e = {0};
        struct sandbox_result r;
        const char *argv[] = {"/usr/bin/python3", "-c", ways[i], NULL};
        struct sandbox_command c = {.argv = argv,
                                    .env = plain_env,
                                    .deadline_ms = clock_mono_ms() + HANG_MS,
                                    .address_bytes = counted ? 0 : 200 << 20,
                                    .output_max = 4096};
        assert_ok(sandbox_run(s, a, &c, &r, &e), &e);
        if (says(&r, "ALL"))
            fail_msg("%s: %.*s", ways[i], SLICE_FMT(r.output));
        assert_true(!counted || r.out_of_memory);
        // The box lives on, and its group has room again: at once, or when the kernel has freed the System V memory of
        // a namespace that has ended, which it does later in a thread of its own.
        uint64_t end = clock_mono_ms() + HANG_MS;
        int status = 0;
        while ((status = run_in(s, a, "exit 4", false, HANG_MS).status) != 4 && clock_mono_ms() < end)
            ;
        assert_int_equal(status, 4);
        sandbox_close(s);
    }
}

// If this fails, a command that is not there counts as a failed build, or the box hangs.
static void test_missing_program(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct sandbox_result r;
    const char *argv[] = {"/no/such/program", NULL};
    struct sandbox *s = open_box(1 << 20, 0);
    struct sandbox_command c = {.argv = argv, .deadline_ms = clock_mono_ms() + HANG_MS, .output_max = 100};
    assert_err(sandbox_run(s, a, &c, &r, &e), &e, ERR_IO, "cannot start '/no/such/program'");
    assert_int_equal(run_in(s, a, "exit 3", false, HANG_MS).status, 3); // and the box is as good as before
    sandbox_close(s);
}

// If this fails, a chatty build fills the worker's memory, or its last lines, which say what is wrong, are lost.
static void test_output_keeps_head_and_tail(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct sandbox_result r = in_box(a, "echo first; seq 1 1000000; echo last");
    assert_true(r.output.len <= 4096 + 100);
    assert_true(slice_starts(r.output, SLICE_LIT("first\n1\n2\n")));
    assert_true(says(&r, "bytes left out"));
    assert_memory_equal(r.output.ptr + r.output.len - 14, "\n1000000\nlast\n", 14);
}

// If this fails, a build that never ends, or what it left running, outlives its deadline.
static void test_deadline_kills_all(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct sandbox *s = NULL;
    struct sandbox_result r = {0};
    const char *endless =
        arena_printf(a, "setsid sleep %s1 & sleep %s2 & trap '' TERM INT; echo on; sleep %s3", mark(), mark(), mark());
    for (uint64_t ms = 500; !says(&r, "on\n") && ms < HANG_MS; ms *= 2) { // a busy machine begins later
        sandbox_close(s);
        s = open_box(1 << 20, 0);
        uint64_t start = clock_mono_ms();
        r = run_in(s, a, endless, false, ms);
        assert_int_equal(r.end, SANDBOX_DEADLINE);
        assert_true(clock_mono_ms() - start >= ms);
        assert_true(process_comes(false));
    }
    assert_slice(r.output, "on\n");
    struct sandbox_command c = {.argv = plain_env, .deadline_ms = clock_mono_ms() + 100};
    assert_err(sandbox_run(s, a, &c, &r, &e), &e, ERR_UNAVAILABLE, "killed");
    sandbox_close(s);
}

// If this fails, what one phase left running can watch or disturb the next one.
static void test_nothing_survives_its_command(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct sandbox *s = open_box(1 << 20, 0);
    run_in(s, a,
           arena_printf(a, "(trap '' HUP; setsid sleep %s1 & ) ; sleep %s2 & echo $! > /work/pid", mark(), mark()),
           false, HANG_MS);
    struct sandbox_result r = run_in(s, a, "ls /work; cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' '", false, HANG_MS);
    assert_true(says(&r, "pid"));
    assert_false(says(&r, mark()));
    assert_true(process_comes(false));
    sandbox_close(s);
}

// If this fails, a build that forks without end takes the machine with it.
static void test_fork_bomb(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    uint64_t start = clock_mono_ms();
    struct sandbox *s = open_box(1 << 20, 256 << 20);
    struct sandbox_result r =
        run_in(s, a, "bomb() { bomb | bomb & bomb; }; bomb 2>/dev/null; sleep 1; echo end", false, 1500);
    (void)r; // it ends by its limit or at its deadline; what counts is that it ends, and all of it
    sandbox_close(s);
    assert_in_range(clock_mono_ms() - start, 0, HANG_MS);
    r = in_box(a, "for i in $(seq 200); do sleep 1 & done 2>&1; wait; echo end");
    assert_true(says(&r, "fork") || says(&r, "Resource temporarily unavailable"));
}

// If this fails, a build fills this machine's disk or memory through the file system.
static void test_disk_ceiling(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct sandbox_result r = in_box(a, "dd if=/dev/zero of=/work/big bs=1M count=100 2>&1; stat -c %s /work/big");
    assert_true(says(&r, "No space left on device"));
    assert_true(says(&r, "8388608"));
    r = in_box(a, "for d in /tmp /home; do head -c 9000000 /dev/zero > $d/x || echo held; done 2>&1");
    assert_true(says(&r, "held"));
    r = in_box(a,
               "i=0; while : > /work/f$i; do i=$((i+1)); [ $i -lt 100000 ] || exit 9; done 2>/dev/null; echo $i files");
    assert_true(says(&r, " files"));
}

// If this fails, one build takes the memory of all others.
static void test_memory_ceiling(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char hog[] = "x=$(head -c 400000000 /dev/zero | tr '\\0' x); echo ${#x}";
    if (sandbox_probe(NULL)->cgroup.memory) {
        struct sandbox_result r = in_box(a, hog);
        assert_false(says(&r, "400000000"));
        assert_true(r.out_of_memory);
        return;
    }
    struct err e = {0};
    struct sandbox_result r;
    const char *argv[] = {"/bin/bash", "-c", hog, NULL};
    struct sandbox *s = open_box(1 << 20, 0);
    struct sandbox_command c = {.argv = argv,
                                .env = plain_env,
                                .deadline_ms = clock_mono_ms() + HANG_MS,
                                .address_bytes = 256 << 20,
                                .output_max = 999};
    assert_ok(sandbox_run(s, a, &c, &r, &e), &e);
    assert_false(says(&r, "400000000"));
    sandbox_close(s);
}

// If this fails, a build reads this machine's files or changes its tools.
static void test_file_system(void **state) {
    (void)state;
    assert_all_held("for p in /root /var /etc/shadow /etc/ssh /srv /opt /run /sys /boot; do [ -e $p ] && echo $p || "
                    "echo held; done\n"
                    "for p in / /usr /usr/bin /etc /dev /lib; do touch $p/x 2>/dev/null && echo $p || echo held; done\n"
                    "[ $(ls -d /proc/[0-9]* | wc -l) -le 6 ] && echo held || ls -d /proc/[0-9]*\n",
                    9 + 6 + 1);
}

// If this fails, code in a box gains rights it was not given.
static void test_rights(void **state) {
    (void)state;
    assert_all_held("grep -q 'CapEff:.*0000000000000000' /proc/self/status && echo held\n"
                    "grep -q 'CapBnd:.*0000000000000000' /proc/self/status && echo held\n"
                    "grep -q 'NoNewPrivs:.*1' /proc/self/status && echo held\n"
                    "grep -q 'Seccomp:.*2' /proc/self/status && echo held\n"
                    "unshare -U true 2>/dev/null && echo user || echo held\n"
                    "mount -t tmpfs x /tmp 2>/dev/null && echo mount || echo held\n"
                    "cat /proc/1/environ 2>/dev/null && echo environ || echo held\n"
                    "kill -9 1 2>/dev/null; echo held\n"
                    "ls -l /proc/1/fd 2>/dev/null | grep -q socket && echo socket || echo held\n"
                    "echo 1 2>/dev/null > /proc/sys/kernel/panic && echo panic || echo held\n"
                    "grep -qx 1000 /proc/self/oom_score_adj && echo held\n"
                    "[ -e /proc/sys ] && echo sys || echo held\n",
                    12);
}

static int listen_here(unsigned *port) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, n), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
    *port = ntohs(in.sin_port);
    return fd;
}

static void set_switch(struct arena *a, const char *sys, const char *name, const char *value) {
    struct err e = {0};
    char *path = arena_printf(a, "%s/%s", sys, name);
    assert_ok(file_write_atomic(path, slice_str(value), 0644, &e), &e);
}

// If this fails, who sets a worker up is told that it cannot isolate, and not what to change on the machine.
static void test_names_the_switch(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    char sys[] = "/tmp/switches-test.XXXXXX";
    assert_non_null(mkdtemp(sys));
    assert_ok(file_make_dirs(arena_printf(a, "%s/kernel", sys), 0755, &e), &e);
    assert_ok(file_make_dirs(arena_printf(a, "%s/user", sys), 0755, &e), &e);
    assert_null(sandbox_namespaces_off(a, sys, false)); // a kernel without any of them
    set_switch(a, sys, "user/max_user_namespaces", "63432\n");
    set_switch(a, sys, "kernel/unprivileged_userns_clone", "1\n");
    set_switch(a, sys, "kernel/apparmor_restrict_unprivileged_userns", "0\n");
    assert_null(sandbox_namespaces_off(a, sys, false));
    set_switch(a, sys, "kernel/apparmor_restrict_unprivileged_userns", "1\n"); // Ubuntu from 24.04 on
    assert_string_equal(sandbox_namespaces_off(a, sys, false), "kernel.apparmor_restrict_unprivileged_userns=0");
    assert_null(sandbox_namespaces_off(a, sys, true));
    set_switch(a, sys, "kernel/unprivileged_userns_clone", "0\n");
    assert_string_equal(sandbox_namespaces_off(a, sys, false), "kernel.unprivileged_userns_clone=1");
    set_switch(a, sys, "user/max_user_namespaces", "0\n");
    assert_string_equal(sandbox_namespaces_off(a, sys, true), "user.max_user_namespaces=10000");
    assert_ok(file_remove_tree(sys, &e), &e);
}

// If this fails, a box talks to this machine's services, or a build to anything at all.
static void test_network(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    unsigned outside, inside;
    int out = listen_here(&outside), in;
    struct sandbox *s = open_box(1 << 20, 0);
    assert_ok(sandbox_listen(s, &in, &inside, &e), &e);
    const char *try =
        arena_printf(a, "for p in %u %u; do (echo > /dev/tcp/127.0.0.1/$p) 2>/dev/null && echo $p open; done; echo end",
                     outside, inside);
    struct sandbox_result r = run_in(s, a, try, false, HANG_MS);
    assert_slice(r.output, "end\n");
    r = run_in(s, a, try, true, HANG_MS);
    assert_string_equal(arena_text(a, r.output), arena_printf(a, "%u open\nend\n", inside));
    r = run_in(s, a, "(echo > /dev/tcp/192.168.0.1/80) 2>&1", true, HANG_MS);
    assert_true(says(&r, "unreachable"));
    int got = accept(in, NULL, NULL); // what the command connected to is a socket of ours
    assert_true(got >= 0);
    close(got), close(in), close(out);
    sandbox_close(s);
}

// If this fails, the worker can be made to read what it did not ask for: another file, a device, a pipe without end.
static void test_reads_only_plain_files(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct slice bytes;
    struct sandbox *s = open_box(8 << 20, 0);
    run_in(s, a,
           "echo -n text > f; ln -s f link; ln -s /usr dir; mkfifo pipe; mkdir d; head -c 5000 /dev/zero > big; echo x "
           "> locked; chmod 0 locked",
           false, HANG_MS);
    assert_ok(sandbox_read(s, a, "/work/f", 100, &bytes, &e), &e);
    assert_slice(bytes, "text");
    assert_err(sandbox_read(s, a, "/work/link", 100, &bytes, &e), &e, ERR_INVALID, "symbolic link");
    assert_err(sandbox_read(s, a, "/work/dir/bin/env", 1 << 20, &bytes, &e), &e, ERR_INVALID, "symbolic link");
    assert_err(sandbox_read(s, a, "/work/pipe", 100, &bytes, &e), &e, ERR_INVALID, "not a regular file");
    assert_err(sandbox_read(s, a, "/dev/zero", 100, &bytes, &e), &e, ERR_INVALID, "not a regular file");
    assert_err(sandbox_read(s, a, "/work/d", 100, &bytes, &e), &e, ERR_INVALID, "not a regular file");
    assert_err(sandbox_read(s, a, "/work/none", 100, &bytes, &e), &e, ERR_NOT_FOUND, "none");
    assert_err(sandbox_read(s, a, "/work/f/none", 100, &bytes, &e), &e, ERR_NOT_FOUND, "none");
    assert_err(sandbox_read(s, a, "/work/big", 4999, &bytes, &e), &e, ERR_TOO_LARGE, "larger than 4999");
    assert_ok(sandbox_read(s, a, "/work/locked", 100, &bytes, &e), &e);
    assert_err(sandbox_read(s, a, arena_printf(a, "/%05000d", 0), 9, &bytes, &e), &e, ERR_IO, "too long");
    sandbox_close(s);
}

// If this fails, modules are overlooked, or a link leads the search astray.
static void test_scan(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct sandbox_file *f;
    size_t n;
    bool cut;
    struct sandbox *s = open_box(8 << 20, 0);
    run_in(s, a,
           "mkdir -p t/b t/c; echo MAGIC1 > t/z; echo MAGIC2 > t/b/y; echo other > t/b/x; ln -s ../z t/c/l; ln -s . "
           "t/c/loop; mkfifo t/p",
           false, HANG_MS);
    assert_ok(sandbox_scan(s, a, "/work/t", SLICE_LIT("MAGIC"), 10, &f, &n, &cut, &e), &e);
    assert_int_equal(n, 2);
    assert_false(cut);
    assert_string_equal(f[0].path, "/work/t/b/y");
    assert_string_equal(f[1].path, "/work/t/z");
    assert_int_equal(f[0].size, 7);
    assert_ok(sandbox_scan(s, a, "/work/t", SLICE_LIT("MAGIC"), 1, &f, &n, &cut, &e), &e);
    assert_true(n == 1 && cut);
    assert_err(sandbox_scan(s, a, "/work/none", SLICE_LIT("M"), 1, &f, &n, &cut, &e), &e, ERR_NOT_FOUND, "none");
    run_in(s, a, "p=deep; for i in $(seq 80); do p=$p/d; done; mkdir -p $p; echo MAGIC > $p/m", false, HANG_MS);
    assert_ok(sandbox_scan(s, a, "/work/deep", SLICE_LIT("MAGIC"), 5, &f, &n, &cut, &e), &e);
    assert_true(n == 0 && cut);
    sandbox_close(s);
}

static void *one_of_many(void *arg) {
    SCOPED_ARENA(a);
    struct sandbox_result r = in_box(a, "echo $$ > /work/mine; sleep 0.2; [ $(ls /work | wc -l) = 1 ] && exit 42");
    *(int *)arg = r.status;
    return NULL;
}

// If this fails, builds at the same time see or disturb each other.
static void test_in_parallel(void **state) {
    (void)state;
    pthread_t threads[6];
    int status[6] = {0};
    (void)sandbox_probe(NULL);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, one_of_many, &status[i]), 0);
    for (size_t i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(status[i], 42);
    }
}

// If this fails, a worker that is killed leaves builds behind that run for ever.
static void test_ends_with_its_starter(void **state) {
    (void)state;
    static char script[100];
    snprintf(script, sizeof script, "sleep %s1 & sleep %s2", mark(), mark());
    pid_t pid = fork();
    if (pid == 0) {
        SCOPED_ARENA(a);
        struct sandbox *s = open_box(1 << 20, 0);
        run_in(s, a, script, false, 60000);
        _exit(0);
    }
    assert_true(process_comes(true));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(process_comes(false));
}

// If this fails, a worker on a machine without namespaces runs strangers' code unprotected, or says nothing useful.
static void test_refuses_without_isolation(void **state) {
    (void)state;
    char *text = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(text != MAP_FAILED);
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        // A process that may make no namespaces, as in many containers. The cached answer is this process's own.
        struct err e = {0};
        struct sandbox *s;
        struct sandbox_spec spec = {.work_bytes = 1 << 20, .tmp_bytes = 1 << 20};
        bool ok = confine_no_new_privs(&e) && confine_system_calls(CONFINE_INET_SOCKETS, &e);
        const struct sandbox_offer *o = sandbox_probe_again(NULL);
        ok = ok && !o->can_isolate && !sandbox_open(&s, &spec, &e) && e.code == ERR_UNAVAILABLE && !s;
        snprintf(text, 4096, "%s", e.msg);
        _exit(ok ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    if (!strstr(text, "cannot make namespaces: Operation not permitted"))
        fail_msg("status %d: %s", status, text);
    assert_int_equal(status, 0);
    munmap(text, 4096);
}

// If this fails, what a build finds depends on what is installed on the worker's machine.
static void test_tree_of_its_own(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    char tree[] = "/tmp/sandbox-test.XXXXXX";
    assert_non_null(mkdtemp(tree));
    // A system of one shell: without lists, caches and links of the machine's own.
    const char *make =
        arena_printf(a,
                     "cd %s && mkdir -p usr/bin usr/lib64 usr/lib/x86_64-linux-gnu && ln -s usr/bin bin &&"
                     " ln -s usr/lib lib && ln -s usr/lib64 lib64 && chmod 755 . && cp -L /bin/dash "
                     "usr/bin/ && cp -L /lib64/ld-linux-x86-64.so.2 usr/lib64/ && cp -L "
                     "/lib/x86_64-linux-gnu/libc.so.6 usr/lib/x86_64-linux-gnu/",
                     tree);
    assert_int_equal(system(make), 0);
    struct sandbox_spec spec = {.system = tree, .work_bytes = 1 << 20, .tmp_bytes = 1 << 20, .processes = 64};
    const char *argv[] = {"/bin/dash", "-c",
                          "echo /usr/bin/* /usr/include/* /sbin /etc/alt*; echo x >/usr/bin/x || echo held", NULL};
    struct sandbox_command c = {.argv = argv, .deadline_ms = clock_mono_ms() + HANG_MS, .output_max = 1000};
    struct sandbox_result r;
    struct sandbox *s;
    assert_ok(sandbox_open(&s, &spec, &e), &e);
    assert_ok(sandbox_run(s, a, &c, &r, &e), &e);
    sandbox_close(s);
    assert_true(slice_starts(r.output, SLICE_LIT("/usr/bin/dash /usr/include/* /sbin /etc/alt*\n")));
    assert_true(says(&r, "held\n"));
    assert_ok(file_remove_tree(tree, &e), &e);
    spec.system = tree;
    assert_err(sandbox_open(&s, &spec, &e), &e, ERR_IO, "cannot take '/tmp/sandbox-test.");
}

// If this fails, whoever takes over a process that holds secrets can start a shell in it.
static void test_no_programs(void **state) {
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        char name[] = "true", *args[] = {name, NULL};
        if (confine_no_new_privs(NULL) && confine_no_programs(NULL))
            execv("/bin/true", args);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_runs_a_command),
    cmocka_unit_test(test_exactly_three_descriptors),
    cmocka_unit_test(test_what_breaks_a_box_pays),
    cmocka_unit_test(test_only_its_starter_ends_a_box),
    cmocka_unit_test(test_what_is_left_is_its_doing),
    cmocka_unit_test(test_every_question_has_an_end),
    cmocka_unit_test(test_opening_has_an_end),
    cmocka_unit_test(test_shared_memory_is_counted),
    cmocka_unit_test(test_missing_program),
    cmocka_unit_test(test_names_the_switch),
    cmocka_unit_test(test_output_keeps_head_and_tail),
    cmocka_unit_test(test_deadline_kills_all),
    cmocka_unit_test(test_nothing_survives_its_command),
    cmocka_unit_test(test_fork_bomb),
    cmocka_unit_test(test_disk_ceiling),
    cmocka_unit_test(test_memory_ceiling),
    cmocka_unit_test(test_file_system),
    cmocka_unit_test(test_rights),
    cmocka_unit_test(test_network),
    cmocka_unit_test(test_reads_only_plain_files),
    cmocka_unit_test(test_scan),
    cmocka_unit_test(test_in_parallel),
    cmocka_unit_test(test_ends_with_its_starter),
    cmocka_unit_test(test_tree_of_its_own),
    cmocka_unit_test(test_refuses_without_isolation),
    cmocka_unit_test(test_no_programs),
};

// Where this machine offers no isolation, what is tested is that it says so and refuses.
static void test_refusal_only(void **state) {
    (void)state;
    struct err e = {0};
    struct sandbox *s;
    struct sandbox_spec spec = {.work_bytes = 1 << 20, .tmp_bytes = 1 << 20};
    assert_err(sandbox_open(&s, &spec, &e), &e, ERR_UNAVAILABLE, "no isolation here");
}

int main(void) {
    static const struct CMUnitTest refusal[] = {cmocka_unit_test(test_refusal_only),
                                                cmocka_unit_test(test_no_programs)};
    const struct sandbox_offer *o = sandbox_probe(NULL);
    fprintf(stderr, "%s\n", o->text);
    return o->can_isolate ? cmocka_run_group_tests(tests, NULL, NULL) : cmocka_run_group_tests(refusal, NULL, NULL);
}
