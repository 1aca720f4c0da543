// SPDX-License-Identifier: Apache-2.0
#include "cli/repo.h"

#include "base/file.h"
#include "builder/git_env.h"
#include "cli/commands.h"
#include "cli/tool.h"
#include "crypto/hash.h"
#include "repo/ref.h"
#include "repo/repo.h"
#include <limits.h>
#include <sys/stat.h>

#define LOOK_MS 10000

// git without anybody's configuration: neither the user's hooks and aliases may change what is sent, nor may a folder
// name programs that are run when it is looked at (core.fsmonitor, filters, hooks, helpers). So git never works in the
// folder's own repository, nor in the one where we happen to be.
#define USER_ENV                                                                                                       \
    GIT_PLAIN_ENV, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ALLOW_PROTOCOL=file:https", "GIT_LITERAL_PATHSPECS=1"
// Author and date of snapshots are fixed, so that their commit depends on the files alone.
static const char *const mirror_env[] = {USER_ENV,
                                         "GIT_AUTHOR_NAME=snapshot",
                                         "GIT_AUTHOR_EMAIL=snapshot@folder.invalid",
                                         "GIT_AUTHOR_DATE=2000-01-01T00:00:00Z",
                                         "GIT_COMMITTER_NAME=snapshot",
                                         "GIT_COMMITTER_EMAIL=snapshot@folder.invalid",
                                         "GIT_COMMITTER_DATE=2000-01-01T00:00:00Z"};

// In no repository. out NULL: nobody needs what it says.
static bool git_nowhere(struct arena *a, const char *const *argv, struct slice *out, struct err *e) {
    static const char *const env[] = {USER_ENV, "GIT_DIR=/dev/null", NULL};
    const struct tool c = {.argv = argv, .extra_env = env, .timeout_ms = LOOK_MS};
    struct slice text;
    return tool_run(a, &c, out ? out : &text, e);
}

struct folder {
    struct arena *arena;
    const char *path;   // real path
    const char *mirror; // bare repository that the worker reads
    const char *index;  // what is about to be in a snapshot
};

// In the mirror, with the folder as its work tree.
static bool git(struct folder *f, const char *const *argv, const char **out, struct err *e) {
    const char *env[ARRAY_LEN(mirror_env) + 4];
    size_t n = ARRAY_LEN(mirror_env);
    memcpy(env, mirror_env, sizeof mirror_env);
    env[n++] = arena_printf(f->arena, "GIT_DIR=%s", f->mirror);
    env[n++] = arena_printf(f->arena, "GIT_WORK_TREE=%s", f->path);
    env[n++] = arena_printf(f->arena, "GIT_INDEX_FILE=%s", f->index);
    env[n] = NULL;
    const struct tool c = {.argv = argv, .extra_env = env, .dir = f->path};
    struct slice text;
    if (!tool_run(f->arena, &c, &text, e))
        return false;
    if (out)
        *out = arena_text(f->arena, text);
    return true;
}
#define GIT(f, out, e, ...) git(f, (const char *const[]){"git", __VA_ARGS__, NULL}, out, e)

// Letters, digits, '-', '_' and '.' of the folder's own name.
static const char *safe_name(struct arena *a, const char *path) {
    const char *base = strrchr(path, '/');
    char *name = arena_strdup(a, base && base[1] ? base + 1 : "folder");
    if (strlen(name) > 64)
        name[64] = 0;
    for (char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_' && (*p != '.' || p == name))
            *p = '-';
    if (name[0] == '-')
        name[0] = 'x';
    size_t n = strlen(name);
    if (n > 4 && strcmp(name + n - 4, ".git") == 0) // no repository's name ends so
        name[n - 4] = '-';
    return name;
}

static bool make_mirror(struct folder *f, const char *home, const char *owner, const char *name, struct err *e) {
    const char *dir = arena_printf(f->arena, "%s/repos/%s", home, owner);
    f->mirror = arena_printf(f->arena, "%s/%s.git", dir, name);
    f->index = arena_printf(f->arena, "%s/snapshot-%d.index", f->mirror, (int)getpid());
    struct stat st;
    if (!file_make_dirs(dir, 0700, e))
        return false;
    return stat(arena_printf(f->arena, "%s/HEAD", f->mirror), &st) == 0 ||
           git_nowhere(f->arena, (const char *const[]){"git", "init", "-q", "--bare", "--template=", f->mirror, NULL},
                       NULL, e);
}

// The folder's HEAD, with all that it needs in the mirror; NULL where the folder is no repository of its own, or where
// git will not give it away (its history is cut, or its objects have other names).
static const char *fetch_head(struct folder *f) {
    const char *from = arena_printf(f->arena, "%s/.git", f->path), *said;
    struct stat st;
    if (stat(from, &st) != 0 || !GIT(f, &said, NULL, "ls-remote", "--", from, "HEAD") || strlen(said) < 40)
        return NULL;
    const char *head = arena_text(f->arena, slice_of(said, 40));
    bool there = GIT(f, NULL, NULL, "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--", from, head) &&
                 GIT(f, NULL, NULL, "rev-list", "--quiet", head) &&        // a cut history comes with its ends missing
                 GIT(f, NULL, NULL, "update-ref", "refs/seen/head", head); // the next fetch asks for what is new alone
    return there ? head : NULL;
}

// $1 is the commit, $2 a file for lists of names. What was committed stays in the index though .gitignore names it, or
// though it is a submodule that was not fetched; `git add` alone, of the folder as a whole, would leave it out, or ask
// after changes in submodules by their own configuration.
static const char from_head[] =
    "git read-tree \"$1\" && git ls-files -z >\"$2\" && git update-index -z --remove --stdin <\"$2\" && "
    "git ls-files -z -o --directory --no-empty-directory --exclude-standard >\"$2\" && "
    "{ [ ! -s \"$2\" ] || git add --pathspec-from-file=\"$2\" --pathspec-file-nul; }";

static bool fill_index(struct folder *f, const char *head, struct err *e) {
    const char *list = arena_printf(f->arena, "%s.names", f->index);
    const char *const argv[] = {"/bin/sh", "-c", from_head, "sh", head, list, NULL};
    bool ok = head && git(f, argv, NULL, NULL);
    unlink(list);
    if (ok)
        return true;
    unlink(f->index);
    return GIT(f, NULL, e, "add", "-A", ".");
}

// git's name of a folder without files.
#define NO_FILES "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

static bool no_files(struct err *e) {
    err_set(e, ERR_USAGE, "there are no files in it");
    return err_hint(e, "files that .gitignore names do not count");
}

// The folder's files as a commit: its own HEAD where nothing is changed.
static bool snapshot(struct folder *f, const char **commit, struct err *e) {
    const char *head = fetch_head(f), *tree, *of_head;
    bool ok = fill_index(f, head, e) && GIT(f, &tree, e, "write-tree");
    if (ok && strcmp(tree, NO_FILES) == 0)
        ok = no_files(e);
    if (ok && head && GIT(f, &of_head, NULL, "rev-parse", arena_printf(f->arena, "%s^{tree}", head)) &&
        strcmp(of_head, tree) == 0)
        *commit = head;
    else
        ok = ok && GIT(f, commit, e, "commit-tree", tree, "-m", "snapshot of a folder");
    unlink(f->index);
    return ok;
}

// A branch per commit keeps it reachable: workers build only what a branch or tag reaches.
static bool publish(struct folder *f, const char *commit, struct err *e) {
    return GIT(f, NULL, e, "update-ref", arena_printf(f->arena, "refs/heads/c-%s", commit), commit);
}

#define TAKERS_MAX 64

// The first branch that nobody else has.
static bool claim(struct folder *f, struct repo_taker *t, struct err *e) {
    for (unsigned i = 0; t->lock < 0 && i < TAKERS_MAX; i++) {
        const char *lock = arena_printf(f->arena, "%s/run-%u.held", f->mirror, i);
        struct err why;
        t->number = i;
        if (!file_lock(lock, "outlayer run", &t->lock, &why) && why.code != ERR_CONFLICT)
            return err_set(e, why.code, "%s", why.msg);
    }
    if (t->lock >= 0)
        return true;
    err_set(e, ERR_CONFLICT, "%d others build the folder '%s' at this moment", TAKERS_MAX, f->path);
    return err_hint(e, "end some of them");
}

// What no branch has any more goes when it is an hour old: another process may have written it a moment ago, and give
// it a branch in the next. The look takes long where there is much, so it is done once an hour. That it could not be
// done is nobody's failure: the next one does it.
static void tidy(struct folder *f) {
    const char *mark = arena_printf(f->arena, "%s/tidied", f->mirror);
    struct stat st;
    if (stat(mark, &st) == 0 && st.st_mtime > time(NULL) - 3600)
        return;
    struct err ignored;
    if (GIT(f, NULL, NULL, "prune", "--expire=1.hour.ago") && !file_write_unsynced(mark, SLICE_LIT(""), 0600, &ignored))
        unlink(mark);
}

static bool publish_taken(struct folder *f, struct repo_taker *t, const char *commit, struct err *e) {
    if (!claim(f, t, e) ||
        !GIT(f, NULL, e, "update-ref", arena_printf(f->arena, "refs/heads/run-%u", t->number), commit))
        return false;
    tidy(f);
    return true;
}

void repo_taker_end(struct repo_taker *t) {
    if (t->lock >= 0)
        close(t->lock);
    t->lock = -1;
}

// t NULL: it is kept for good.
static bool prepare_folder(struct arena *a, const char *home, const char *path, struct repo_taker *t,
                           struct repo_ref *out, struct err *e) {
    struct folder f = {.arena = a, .path = path};
    struct hash h = sha256(slice_str(path));
    char hex[65];
    const char *owner = arena_printf(a, "%.12s", hash_hex(&h, hex)), *name = safe_name(a, path), *commit;
    if (!make_mirror(&f, home, owner, name, e))
        return false;
    if (!snapshot(&f, &commit, e) || !(t ? publish_taken(&f, t, commit, e) : publish(&f, commit, e)))
        return err_wrap(e, "cannot take folder '%s' as a repository", path);
    *out = (struct repo_ref){arena_printf(a, "https://" REPO_LOCAL_HOST "/%s/%s", owner, name), commit, true};
    return true;
}

// --- a repository elsewhere

#define LOCAL_PREFIX REPO_LOCAL_HOST "/"

// Where git finds it from here: folders of this machine have no host.
static const char *address_of(struct arena *a, const char *home, const struct repo *repo) {
    if (strncmp(repo->name, LOCAL_PREFIX, sizeof LOCAL_PREFIX - 1) != 0)
        return repo->url;
    return arena_printf(a, "%s/repos/%s.git", home, repo->name + sizeof LOCAL_PREFIX - 1);
}

// What the host says to `git ls-remote`. Nothing is fetched, nobody's credentials are used.
static bool list_refs(struct arena *a, const char *address, const struct ref *ref, struct slice *out, struct err *e) {
    const char *branch = ref->is_whole ? ref->text : arena_printf(a, REF_HEADS "%s", ref->text);
    const char *tag = ref->is_whole ? ref->text : arena_printf(a, REF_TAGS "%s", ref->text);
    const char *const argv[] = {"git", "ls-remote", "--", address, "HEAD", branch, tag, NULL};
    return git_nowhere(a, argv, out, e);
}

// A repository or ref that cannot be is refused before anybody pays for it. What this machine cannot find out, the
// worker may: it has a network of its own.
static bool check_remote(struct arena *a, const char *home, const struct repo_ref *asked, struct err *e) {
    struct repo repo;
    struct ref ref;
    struct slice refs;
    struct err why;
    if (!repo_read(&repo, a, asked->repo, e) || !ref_read(&ref, a, asked->commit, e)) {
        e->code = ERR_USAGE;
        return false;
    }
    if (!list_refs(a, address_of(a, home, &repo), &ref, &refs, &why)) {
        fprintf(stderr, "warning     the worker looks for the repository itself, from here it could not be seen: %s\n",
                printable(a, slice_str(why.msg))); // git hands on what the host says
        return true;
    }
    bool has_ref = refs.len && memmem(refs.ptr, refs.len, "\trefs/", 6);
    if (has_ref || ref.is_commit || ref_short_commit(a, ref.text) || (strcmp(ref.text, "HEAD") == 0 && refs.len))
        return true;
    err_set(e, ERR_USAGE, "'%s' has no branch or tag '%s'%s", repo.url, ref.text,
            refs.len ? "" : ", and no default branch");
    return err_hint(e, "nothing was sent; --commit takes a branch, a tag or a commit");
}

// --- a folder of this machine

static bool is_folder(const char *given, char path[static PATH_MAX]) {
    struct stat st;
    return realpath(given, path) && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

// "DIR//guest": the repository is DIR, and the program in its folder guest, as for any other repository.
static const char *cut_folder(char *given) {
    char *at = strstr(given, "//");
    if (!at || at == given || !at[2])
        return NULL;
    *at = 0;
    return at + 2;
}

static bool prepare_local(struct arena *a, const char *home, const char *path, const char *folder, struct repo_taker *t,
                          struct repo_ref *out, struct err *e) {
    struct repo r;
    if (!prepare_folder(a, home, path, t, out, e))
        return false;
    if (folder)
        out->repo = arena_printf(a, "%s//%s", out->repo, folder);
    return repo_read(&r, a, out->repo, e);
}

// look: a repository elsewhere is asked for the ref.
static bool prepare(struct arena *a, const char *home, const char *given, const char *ref, bool look,
                    struct repo_ref *out, struct err *e) {
    struct repo r;
    char path[PATH_MAX], *dir = arena_strdup(a, given);
    const char *folder = strstr(given, "://") ? NULL : cut_folder(dir);
    if (!strstr(given, "://") && is_folder(dir, path)) {
        if (ref) {
            err_set(e, ERR_USAGE, "--commit does not go with a folder of this machine");
            return err_hint(e, "check the commit out, or give the repository's URL");
        }
        return prepare_local(a, home, arena_strdup(a, path), folder, NULL, out, e);
    }
    if (!strchr(given, '/')) {
        err_set(e, ERR_USAGE, "no folder '%s' here, and not a repository's address either", given);
        return err_hint(e, "--repo takes a folder, https://host/owner/name, or owner/name on github.com");
    }
    *out = (struct repo_ref){given, ref ? ref : "main", false};
    return look ? check_remote(a, home, out, e) : repo_read(&r, a, given, e);
}

bool repo_prepare(struct arena *a, const char *home, const char *given, const char *ref, struct repo_ref *out,
                  struct err *e) {
    return prepare(a, home, given, ref, true, out, e);
}

bool repo_locate(struct arena *a, const char *home, const char *given, struct repo_ref *out, struct err *e) {
    return prepare(a, home, given, NULL, false, out, e);
}

bool repo_take(struct repo_taker *t, struct arena *a, const char *home, const char *given, struct repo_ref *out,
               struct err *e) {
    char path[PATH_MAX], *dir = arena_strdup(a, given);
    const char *folder = cut_folder(dir);
    return (is_folder(dir, path) || err_set(e, ERR_USAGE, "'%s' is no folder", dir)) &&
           prepare_local(a, home, arena_strdup(a, path), folder, t, out, e);
}
