// SPDX-License-Identifier: Apache-2.0
#include "builder/submodules.h"

#include "builder/proxy.h"

#define SUBMODULES_MAX 32
#define DEPTH_MAX 5
#define LIST_MAX (1u << 20) // bytes that git says at a time; all of them stay until the build ends
#define LIST_TEXT "1 MB"
#define LINK "160000 commit " // as ls-tree writes it

struct submodule {
    const char *path;   // in the checkout
    const char *within; // in the repository that has it
    char commit[41];
};

// A repository that has been checked out.
struct place {
    const char *name;   // host/owner/name, which relative addresses begin from
    const char *commit; // that is there
    const char *path;   // in the checkout; "" for the job's own
    unsigned depth;
};

struct walk {
    struct job *job;
    size_t count;
};

static bool refuse(struct walk *w, const char *path, const char *why, const char *what) {
    return job_end(w->job, BUILD_DEPENDENCY, "the submodule '%s' cannot be had: %s%s", path, why, what);
}

// --- which there are

// Whether the folder is at or below the path, or the other way round.
static bool concerns(const char *folder, const char *path) {
    size_t n = strlen(folder), m = strlen(path), common = n < m ? n : m;
    const char *longer = n < m ? path : folder;
    return !n || (strncmp(folder, path, common) == 0 && (!longer[common] || longer[common] == '/'));
}

// git looks at the names in a tree only when it writes files, and it writes none for a submodule.
static bool is_inside(const char *path) {
    for (const char *p = path; path[0] != '"'; p++) {
        size_t n = strcspn(p, "/");
        if (!n || (n <= 2 && memcmp(p, "..", n) == 0) || (n == 4 && strncasecmp(p, ".git", n) == 0))
            return false;
        p += n;
        if (!*p)
            return true;
    }
    return false;
}

// Its programs are another repository's, which may have no secrets of this one.
static bool has_program(const struct walk *w, const char *path) {
    size_t n = strlen(path);
    const char *folder = w->job->folder;
    return strncmp(folder, path, n) == 0 && (!folder[n] || folder[n] == '/');
}

// Whether the folder is where its name says, and not where a symbolic link of the checkout leads.
static bool is_in_place(struct job *j, const char *path, bool *out) {
    static const char script[] = "[ \"$(realpath -m -- \"$1\")\" = \"$1\" ]";
    const char *const argv[] = {"/bin/sh", "-c", script, "sh", arena_printf(j->arena, JOB_SRC "/%s", path), NULL};
    static const char *const env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
    struct sandbox_command c = {.argv = argv, .env = env, .ours = true};
    struct sandbox_result r;
    if (!job_run(j, &c, &r))
        return false;
    *out = git_succeeded(&r);
    return true;
}

// The next line that names a submodule. A path that git had to quote is not inside.
static bool next_link(struct walk *w, const struct place *p, char **save, struct submodule *out) {
    struct arena *a = w->job->arena;
    for (char *l; (l = strtok_r(NULL, "\n", save));) {
        size_t n = sizeof LINK - 1;
        if (strncmp(l, LINK, n) != 0 || strlen(l) < n + 42 || l[n + 40] != '\t')
            continue;
        const char *within = l + n + 41;
        *out = (struct submodule){.within = within,
                                  .path = p->path[0] ? arena_printf(a, "%s/%s", p->path, within) : within};
        memcpy(out->commit, l + n, 40);
        if (concerns(w->job->folder, out->path))
            return true;
    }
    return false;
}

// --- where they are

// The value of the setting submodule.NAME.KEY whose NAME has the path; NULL: none.
static const char *url_in(struct arena *a, struct slice settings, const char *path) {
    static const char head[] = "submodule.";
    const char *text = arena_text(a, settings), *end = text + settings.len;
    struct slice name = {NULL, 0};
    for (int pass = 0; pass < 2; pass++) {
        for (const char *p = text; p < end; p += strlen(p) + 1) {
            const char *line = strchr(p, '\n'), *dot = line ? memrchr(p, '.', (size_t)(line - p)) : NULL;
            if (!dot || strncmp(p, head, sizeof head - 1) != 0 || dot < p + sizeof head - 1)
                continue;
            struct slice own = slice_of(p, (size_t)(dot - p));
            bool is_path = strncmp(dot, ".path\n", 6) == 0;
            if (pass == 0 && is_path && strcmp(line + 1, path) == 0)
                name = own;
            if (pass == 1 && !is_path && name.ptr && slice_eq(own, name))
                return line + 1;
        }
    }
    return NULL;
}

// "../other" and "./other" are beside and below the repository that says so.
static const char *whole_address(struct arena *a, const struct place *p, const char *address) {
    char *base = arena_strdup(a, p->name);
    if (strncmp(address, "./", 2) != 0 && strncmp(address, "../", 3) != 0)
        return address;
    for (;;) {
        char *slash = strrchr(base, '/');
        if (strncmp(address, "./", 2) == 0)
            address += 2;
        else if (strncmp(address, "../", 3) == 0 && slash)
            *slash = 0, address += 3;
        else
            break;
    }
    return arena_printf(a, "https://%s/%s", base, address);
}

static bool find_address(struct walk *w, const struct place *p, const struct submodule *s, struct repo *out) {
    struct job *j = w->job;
    struct sandbox_result r;
    struct err why;
    const char *file = arena_printf(j->arena, JOB_SRC "/%s%s.gitmodules", p->path, p->path[0] ? "/" : "");
    if (!git_run(j, &r, LIST_MAX,
                 (const char *const[]){"config", "--file", file, "--null", "--get-regexp",
                                       "^submodule\\..*\\.(path|url)$", NULL}))
        return false;
    if (r.cut)
        return refuse(w, s->path, "its repository's .gitmodules says more than " LIST_TEXT, "");
    const char *said = git_succeeded(&r) ? url_in(j->arena, r.output, s->within) : NULL;
    if (!said)
        return refuse(w, s->path, ".gitmodules has no address for it; commit its files, or add it by git submodule add",
                      "");
    const char *address = whole_address(j->arena, p, said);
    if (!repo_read(out, j->arena, address, &why))
        return refuse(w, s->path, why.msg, arena_printf(j->arena, "; %s in .gitmodules", why.hint));
    if (out->folder || source_map_find(&j->builder->map, j->arena, out->name))
        return refuse(w, s->path, address, " is no repository that is fetched over https");
    return true;
}

// --- fetching

static bool not_fetched(struct walk *w, const struct submodule *s, const struct repo *repo,
                        const struct sandbox_result *r) {
    struct job *j = w->job;
    j->source.url = repo->url; // what the sentence is about
    if (git_unreachable(j, r) || j->failed)
        return false;
    return refuse(w, s->path, j->result->reason, "");
}

// Hosts give a commit that some branch or tag reaches; some give only what these begin with, so all of them are
// fetched.
static bool fetch_commit(struct walk *w, const struct submodule *s, const struct repo *repo) {
    struct job *j = w->job;
    struct sandbox_result r;
    if (!GIT(j, &r, "fetch", "-q", "--depth=1", "--no-tags", "--", repo->url, s->commit))
        return false;
    if (git_succeeded(&r))
        return true;
    if (!git_says(&r, "not our ref") && !git_says(&r, "unadvertised object"))
        return not_fetched(w, s, repo, &r);
    if (!GIT(j, &r, "fetch", "-q", "--no-tags", "--", repo->url, "+refs/heads/*:refs/part/heads/*",
             "+refs/tags/*:refs/part/tags/*"))
        return false;
    return git_succeeded(&r) || not_fetched(w, s, repo, &r);
}

static bool check_out(struct walk *w, const struct submodule *s, const struct repo *repo) {
    struct job *j = w->job;
    struct sandbox_result r;
    const char *dir = arena_printf(j->arena, JOB_SRC "/%s", s->path);
    const char *tree = arena_printf(j->arena, "--work-tree=%s", dir);
    const char *const mkdir_argv[] = {"/usr/bin/mkdir", "-p", dir, NULL}, *const none[] = {NULL};
    struct sandbox_command mk = {.argv = mkdir_argv, .env = none, .ours = true};
    if (!job_run(j, &mk, &r) || !GIT(j, &r, "read-tree", "--empty") ||
        !GIT(j, &r, "-c", "core.bare=false", tree, "checkout", "-q", "-f",
             arena_printf(j->arena, "%s^{commit}", s->commit), "--", "."))
        return false;
    if (git_succeeded(&r))
        return true;
    if (git_says(&r, "No space left") || git_says(&r, "unable to write"))
        return refuse(w, s->path, "its files are larger than what a build has", "");
    return refuse(w, s->path, repo->url, arena_printf(j->arena, " has no commit %s", s->commit));
}

static bool fetch_one(struct walk *w, const struct place *p, const struct submodule *s, struct place *at) {
    struct repo repo;
    bool in_place;
    if (!is_inside(s->within))
        return refuse(w, s->path, "its folder has a name that is not served", "");
    if (!is_in_place(w->job, s->path, &in_place))
        return false;
    if (has_program(w, s->path))
        return job_end(w->job, BUILD_BAD_SOURCE,
                       "the folder %s is in the submodule '%s', which is a repository of its own: ask for that one",
                       w->job->folder, s->path);
    if (!in_place)
        return refuse(w, s->path, "a symbolic link leads somewhere else from its folder", "");
    if (++w->count > SUBMODULES_MAX || p->depth >= DEPTH_MAX)
        return refuse(w, s->path, "there are more than 32 of them, or they go more than 5 deep", "");
    if (!find_address(w, p, s, &repo) || !fetch_commit(w, s, &repo) || !check_out(w, s, &repo))
        return false;
    *at = (struct place){repo.name, arena_strdup(w->job->arena, s->commit), s->path, p->depth + 1};
    return true;
}

// Without the list, a module would be built without what belongs to it.
static bool not_listed(struct walk *w, const struct place *p, const struct sandbox_result *r) {
    if (git_says(r, "No space left"))
        return job_end(w->job, BUILD_DEPENDENCY, "the list of files of %s is larger than what a build has", p->name);
    return err_set(w->job->e, ERR_IO, "git does not list the files of %s: %.*s", p->name, SLICE_FMT(r->output)) ||
           job_fail(w->job);
}

// The repository that was checked out, and those that it points to: all of them in the order in which they were found.
static bool walk(struct walk *w) {
    struct job *j = w->job;
    static const char links[] = "git -c core.quotePath=false ls-tree -r \"$1\" >" GIT_DIR "/tree && "
                                "{ grep '^160000 ' " GIT_DIR "/tree || [ $? = 1 ]; }";
    struct place places[SUBMODULES_MAX + 1] = {{j->source.name, j->result->commit, "", 0}};
    for (size_t done = 0, known = 1; done < known; done++) {
        struct sandbox_result r;
        struct submodule s;
        if (!git_script(j, &r, LIST_MAX, links, places[done].commit))
            return false;
        if (!git_succeeded(&r))
            return not_listed(w, &places[done], &r);
        if (r.cut)
            return job_end(j, BUILD_DEPENDENCY,
                           "repository %s has more submodules than are looked at: their list is longer than " LIST_TEXT,
                           places[done].name);
        char *save = arena_text(j->arena, r.output);
        for (; next_link(w, &places[done], &save, &s); known++)
            if (!fetch_one(w, &places[done], &s, &places[known]))
                return false;
    }
    return true;
}

// --- Git LFS

// A pointer's first two lines; files that are larger than one are not read.
static bool refuse_pointers(struct job *j) {
    static const char script[] =
        "[ ! -d \"$1\" ] || find \"$1\" -type f -size -3 -exec awk 'FNR == 1 { p = $0 == \"version "
        "https://git-lfs.github.com/spec/v1\" } FNR == 2 { if (p && $1 == \"oid\") print FILENAME; nextfile }' {} + | "
        "head -n 1";
    const char *const argv[] = {"/bin/sh", "-c", script, "sh", j->dir, NULL};
    static const char *const env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
    struct sandbox_command c = {.argv = argv, .env = env, .ours = true};
    struct sandbox_result r;
    if (!job_run(j, &c, &r))
        return false;
    if (!slice_starts(r.output, SLICE_LIT(JOB_SRC "/")))
        return true;
    char *path = arena_text(j->arena, slice_skip(r.output, sizeof JOB_SRC));
    path[strcspn(path, "\n")] = 0;
    return job_end(j, BUILD_DEPENDENCY,
                   "'%s' only points to a file of Git LFS, which is not fetched: commit the file itself (git lfs "
                   "migrate export does it)",
                   path);
}

bool fetch_submodules(struct job *j) {
    struct walk w = {.job = j};
    return walk(&w) && refuse_pointers(j);
}
