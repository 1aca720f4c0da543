// SPDX-License-Identifier: Apache-2.0
// Attempts inside the boxes of builds, opened and run in by the builder's own functions, so that these are what a
// repository gets: the folder of the programs is the repository.
#include "hostile.h"

#include "base/clock.h"
#include "base/file.h"
#include "builder/job.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define MEMORY (192ull << 20)
#define DISK (32ull << 20)
// What the builder and the box promise beside the working folder: job.c, box_root.c.
#define OTHER_FOLDERS ((2 * 256ull + 4) << 20)
#define INODES (2 * (256ull << 20) / 8192 + 2 * 4096)
#define PROCESSES 512

struct confinement {
    struct arena *arena;
    struct builder *builder;
    enum where where;
    const char *facts, *folder;
    bool has_capable; // this file system takes capabilities of files
};

static bool put_program(const char *from, const char *to, unsigned mode, struct err *e) {
    SCOPED_ARENA(a);
    struct slice bytes;
    if (!file_read(a, from, 16 << 20, &bytes, e))
        return false;
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    bool ok = fd >= 0 && file_write_all(fd, bytes, e) && fchmod(fd, mode) == 0;
    if (fd >= 0)
        close(fd);
    return ok || err_errno(e, "cannot make '%s'", to);
}

// Every right, effective at once, to whoever runs it.
static bool give_rights(const char *path) {
    struct vfs_cap_data all = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
                               .data = {{.permitted = 0xffffffff}, {.permitted = 0x1ff}}};
    return setxattr(path, "security.capability", &all, sizeof all, 0) == 0;
}

static bool put_programs(struct confinement *c, struct err *e) {
    SCOPED_ARENA(a);
    const char *own = arena_printf(a, "%s/attack", file_program_dir(a));
    const char *capable = arena_printf(a, "%s/capable", c->folder);
    bool ok = (mkdir(c->folder, 0755) == 0 || err_errno(e, "cannot make '%s'", c->folder)) &&
              put_program(own, arena_printf(a, "%s/attack", c->folder), 0755, e) &&
              put_program(own, capable, 0755, e) &&
              put_program(own, arena_printf(a, "%s/set-user-id", c->folder), 06755, e);
    c->has_capable = ok && give_rights(capable);
    return ok;
}

bool boxes_new(struct confinement **out, const struct surroundings *g, enum where where, struct err *e) {
    struct arena *a = arena_new();
    struct confinement *c = arena_calloc(a, 1, sizeof *c);
    struct build_settings s = {.disk_bytes = DISK, .memory_bytes = MEMORY};
    const char *how;
    *c = (struct confinement){.arena = a, .where = where, .folder = arena_printf(a, "%s/repository", g->folder)};
    *out = c;
    c->facts = arena_printf(a, "%s memory=%llu disk=%llu inodes=%llu processes=%u", ground_words(g, a), MEMORY,
                            DISK + OTHER_FOLDERS, INODES, PROCESSES);
    if (!put_programs(c, e) || !builder_new(&c->builder, &s, e))
        return false;
    bool can = builder_can_isolate(c->builder, &how);
    fprintf(stderr, "%s\n", how);
    return can || err_set(e, ERR_UNAVAILABLE, "%s", how);
}

void boxes_free(struct confinement *c) {
    builder_free(c->builder);
    arena_free(c->arena);
}

#define WORDS_MAX 24
static bool run_in(struct confinement *c, struct job *j, const char *name, const char *facts,
                   struct sandbox_result *r) {
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    const char *argv[WORDS_MAX] = {"/repository/attack", name};
    size_t n = 2;
    for (char *save = NULL, *w = strtok_r(arena_strdup(j->arena, facts), " ", &save); w && n < WORDS_MAX - 1;
         w = strtok_r(NULL, " ", &save))
        argv[n++] = w;
    struct sandbox_command command = {.argv = argv, .env = env, .network = c->where == IN_FETCH};
    return job_run(j, &command, r);
}

static void judge(const struct attempt *a, const struct sandbox_result *r, struct finding *f) {
    if (found_line(f, a, r->output))
        return;
    if (r->end == SANDBOX_SIGNALED && r->status == SIGSYS)
        found(f, OUTCOME_HELD, "ended for its system call");
    else if (a->flags & FATAL && r->end == SANDBOX_SIGNALED)
        found(f, OUTCOME_HELD, "ended by signal %d%s", r->status, r->out_of_memory ? ": out of memory" : "");
    else
        found(f, OUTCOME_ODD, "end %d, status %d: %.200s", (int)r->end, r->status,
              r->output.len ? (const char *)r->output.ptr : "");
}

// The box has to be there afterwards, and do what is asked of it; a command after one that has used up the memory may
// be ended for what that one has left in the box's files.
static void still_serves(struct confinement *c, struct job *j, const struct attempt *a, struct finding *f) {
    struct sandbox_result r;
    if (f->outcome != OUTCOME_HELD)
        return;
    if (!run_in(c, j, "nothing", "", &r))
        found(f, j->failed || !(a->flags & FATAL) ? OUTCOME_BROKE : OUTCOME_HELD, "the box serves no more: %s",
              j->failed ? j->e->msg : j->result->reason);
    else if (!slice_eq_str(r.output, "nothing held\n") && !(a->flags & FATAL && r.out_of_memory))
        found(f, OUTCOME_BROKE, "the box serves badly: %.*s", SLICE_FMT(r.output));
}

void boxes_try(struct confinement *c, const struct attempt *a, struct finding *f) {
    SCOPED_ARENA(arena);
    struct err e = {0};
    struct build_result result = {0};
    struct sandbox_result r = {0};
    struct job j = {.builder = c->builder,
                    .arena = arena,
                    .local = c->folder,
                    .patience = {.deadline_ms = clock_mono_ms() + 30000},
                    .result = &result,
                    .e = &e};
    if (a->flags & NEEDS_CAPABLE && !c->has_capable)
        return found(f, OUTCOME_UNTRIED, "this user cannot give a file capabilities");
    if (a->flags & NEEDS_CGROUP && !c->builder->offer->cgroup.memory)
        return found(f, OUTCOME_UNTRIED, "without a cgroup memory is limited for each process alone");
    bool ok = job_open(&j);
    if (!ok)
        found(f, OUTCOME_ODD, "no box: %s", e.msg);
    else if (!run_in(c, &j, a->name, c->facts, &r))
        found(f, !j.failed && a->flags & FATAL ? OUTCOME_HELD : OUTCOME_BROKE, "not an end of the command: %s",
              j.failed ? e.msg : result.reason);
    else
        judge(a, &r, f);
    if (ok)
        still_serves(c, &j, a, f);
    job_close(&j);
}
