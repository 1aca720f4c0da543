// SPDX-License-Identifier: Apache-2.0
// hostile list                    every attempt: name, confinements, guards of boxes, guards of executors, what else
// holds hostile CONFINEMENT [NAME…]     makes the attempts in it: CONFINEMENT NAME held|broke|untried|absent|odd WHY
// hostile CONFINEMENT calls       every system call that comes back, of an executor: CONFINEMENT call NAME
// The confinement is the real one, of whatever degree this machine and this user allow. Made with FLAVOUR=unguarded,
// and with guards switched off by OUTLAYER_UNGUARDED, it shows what the attempts do without them. tests/hostile_test.py
// compares.
#include "hostile.h"

#include "base/clock.h"
#include "sandbox/confine.h"
#include "sandbox/guards.h"
#include <dirent.h>
#include <grp.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SETTLE_MS 2000
#define CALLS 480 // more than there are

static const struct {
    const char *name;
    enum where where;
} places[] = {{"build", IN_BUILD}, {"fetch", IN_FETCH}, {"run", IN_RUN}, {"call", IN_CALL}, {"compile", IN_COMPILE}};

void found(struct finding *f, enum outcome o, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    f->outcome = o;
}

bool found_line(struct finding *f, const struct attempt *a, struct slice text) {
    SCOPED_ARENA(arena);
    char *all = arena_text(arena, text), *at = strstr(all, arena_printf(arena, "%s held ", a->name));
    enum outcome o = at ? OUTCOME_HELD : OUTCOME_BROKE;
    if (!at)
        at = strstr(all, arena_printf(arena, "%s broke ", a->name));
    if (!at)
        return false;
    at += strlen(a->name) + (o == OUTCOME_HELD ? 6 : 7);
    found(f, o, "%.*s", (int)strcspn(at, "\n"), at);
    return true;
}

static unsigned open_descriptors(void) {
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

// Processes are started and ended by other threads: their descriptors go when those have come to it.
static unsigned settled_descriptors(unsigned most) {
    unsigned n = open_descriptors();
    for (uint64_t end = clock_mono_ms() + SETTLE_MS; n > most && clock_mono_ms() < end; n = open_descriptors())
        poll(NULL, 0, 5);
    return n;
}

// Makes the attempt in no confinement at all, as a user without rights.
static bool breaks_outside(const struct attempt *a) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct ground g = {.victim = getppid()};
        struct note n;
        if (geteuid() == 0 &&
            (setgroups(0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
            _exit(2);
        _exit(a->try(&g, a->arg, &n) == BROKE);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void try_one(struct confinement *c, enum where where, const struct attempt *a, unsigned most,
                    struct finding *f) {
    *f = (struct finding){OUTCOME_ODD, "nothing came of it"};
    (where & IN_BOX ? boxes_try : runs_try)(c, a, f);
    unsigned after = settled_descriptors(most);
    if (after > most && f->outcome == OUTCOME_HELD)
        found(f, OUTCOME_BROKE, "%u descriptors of the asking side before, %u after it", most, after);
    if (a->flags & PROBED && f->outcome == OUTCOME_HELD && guard_environment() && !breaks_outside(a))
        f->outcome = OUTCOME_ABSENT;
}

// As many as the asking side has open once it has served a few.
static unsigned usual_descriptors(struct confinement *c, enum where where) {
    const struct attempt *a = attempt_named("descriptor-read");
    struct finding f;
    unsigned most = 0;
    for (int i = 0; i < 4; i++) {
        (where & IN_BOX ? boxes_try : runs_try)(c, a, &f);
        poll(NULL, 0, 20);
        unsigned n = open_descriptors();
        most = n > most ? n : most;
    }
    return most;
}

static bool asked_for(const char *name, char **names) {
    if (!*names)
        return true;
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static void try_all(struct confinement *c, const char *place, enum where where, char **names) {
    static const char *const words[] = {"held", "broke", "untried", "absent", "odd"};
    const struct attempt *a;
    unsigned most = usual_descriptors(c, where);
    bool caches = where == IN_COMPILE;
    for (size_t i = 0; (a = attempt_at(i)); i++) {
        struct finding f;
        if (!(a->where & where) || !asked_for(a->name, names))
            continue;
        most += caches && a->flags & CACHED;
        try_one(c, where, a, most, &f);
        printf("%s %s %s %s\n", place, a->name, words[f.outcome], f.text);
        fflush(stdout);
    }
}

// Calls that end their thread or wait for what never comes tell nothing.
static bool tells_nothing(int number) {
    return number == SYS_exit || number == SYS_exit_group || number == SYS_rt_sigreturn || number == SYS_pause;
}

static bool each_call(struct confinement *c, const char *place, struct err *e) {
    char name[64];
    bool comes_back;
    for (int n = 0; n < CALLS; n++) {
        if (tells_nothing(n))
            continue;
        if (!runs_call(c, n, &comes_back, e))
            return false;
        if (comes_back && confine_call_name((uint32_t)n, name)[0])
            printf("%s call %s\n", place, name);
        else if (comes_back)
            printf("%s call %d\n", place, n);
    }
    return true;
}

static void list(void) {
    const struct attempt *a;
    for (size_t i = 0; (a = attempt_at(i)); i++)
        for (size_t p = 0; p < ARRAY_LEN(places); p++)
            if (a->where & places[p].where)
                printf("%s\t%s\t%s\t%s\n", places[p].name, a->name, places[p].where & IN_BOX ? a->box : a->executor,
                       a->kernel ? a->kernel : "");
}

static int in(const char *place, enum where where, char **names) {
    struct surroundings g;
    struct confinement *c = NULL;
    struct err e = {0};
    bool ok = ground_make(&g, &e) && (where & IN_BOX ? boxes_new : runs_new)(&c, &g, where, &e);
    if (ok && names[0] && strcmp(names[0], "calls") == 0)
        ok = each_call(c, place, &e);
    else if (ok)
        try_all(c, place, where, names);
    if (!ok)
        fprintf(stderr, "hostile: %s\n", e.msg);
    if (c)
        (where & IN_BOX ? boxes_free : runs_free)(c);
    ground_end(&g);
    return ok ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "victim") == 0)
        ground_be_victim();
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return list(), 0;
    for (size_t p = 0; argc > 1 && p < ARRAY_LEN(places); p++)
        if (strcmp(argv[1], places[p].name) == 0)
            return in(places[p].name, places[p].where, argv + 2);
    fprintf(stderr, "usage: hostile list | build|fetch|run|call|compile [NAME…]\n");
    return 2;
}
