// SPDX-License-Identifier: Apache-2.0
#include "cli/repo.h"

#include "base/file.h"
#include "cli/commands.h"
#include "cli/tool.h"
#include "crypto/hash.h"
#include "repo/ref.h"
#include "repo/repo.h"
#include <limits.h>
#include <sys/stat.h>

// git without anybody's configuration: a hook or an alias of the user must not change what is sent.
static const char *const plain_env[] = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
                                        NULL};
// Author and date of snapshots are fixed, so that their commit depends on the files alone.
static const char *const snapshot_env[] = {"GIT_CONFIG_NOSYSTEM=1",
                                           "GIT_CONFIG_GLOBAL=/dev/null",
                                           "GIT_AUTHOR_NAME=snapshot",
                                           "GIT_AUTHOR_EMAIL=snapshot@folder.invalid",
                                           "GIT_AUTHOR_DATE=2000-01-01T00:00:00Z",
                                           "GIT_COMMITTER_NAME=snapshot",
                                           "GIT_COMMITTER_EMAIL=snapshot@folder.invalid",
                                           "GIT_COMMITTER_DATE=2000-01-01T00:00:00Z",
                                           NULL};

#define LOOK_MS 10000

struct folder {
    struct arena *arena;
    const char *path;   // real path
    const char *mirror; // bare repository that the worker reads
};

static bool git(struct folder *f, const char *const *env, const char *const *argv, const char **out, struct err *e) {
    struct tool c = {.argv = argv, .extra_env = env ? env : plain_env, .dir = f->path};
    struct slice text;
    if (!tool_run(f->arena, &c, &text, e))
        return false;
    if (out)
        *out = arena_text(f->arena, text);
    return true;
}
#define GIT(f, env, out, e, ...) git(f, env, (const char *const[]){"git", __VA_ARGS__, NULL}, out, e)

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
    struct stat st;
    if (!file_make_dirs(dir, 0700, e))
        return false;
    return stat(arena_printf(f->arena, "%s/HEAD", f->mirror), &st) == 0 ||
           GIT(f, NULL, NULL, e, "init", "-q", "--bare", f->mirror);
}

// HEAD when the folder is the root of a git repository with nothing changed; "" otherwise.
static const char *clean_head(struct folder *f) {
    const char *top, *status, *head;
    if (!GIT(f, NULL, &top, NULL, "rev-parse", "--show-toplevel") || strcmp(top, f->path) != 0 ||
        !GIT(f, NULL, &status, NULL, "status", "--porcelain") || status[0] ||
        !GIT(f, NULL, &head, NULL, "rev-parse", "--verify", "HEAD^{commit}"))
        return "";
    return head;
}

static bool snapshot(struct folder *f, const char **commit, struct err *e) {
    const char *index = arena_printf(f->arena, "%s/snapshot-%d.index", f->mirror, (int)getpid());
    const char *git_dir = arena_printf(f->arena, "--git-dir=%s", f->mirror);
    const char *tree;
    const char *env[ARRAY_LEN(snapshot_env) + 1];
    memcpy(env, snapshot_env, sizeof snapshot_env);
    env[ARRAY_LEN(snapshot_env) - 1] = arena_printf(f->arena, "GIT_INDEX_FILE=%s", index);
    env[ARRAY_LEN(snapshot_env)] = NULL;
    bool ok = GIT(f, env, NULL, e, git_dir, "--work-tree=.", "add", "-A", ".") &&
              GIT(f, env, &tree, e, git_dir, "write-tree") &&
              GIT(f, env, commit, e, git_dir, "commit-tree", tree, "-m", "snapshot of a folder");
    unlink(index);
    return ok;
}

// A branch per commit keeps it reachable: workers build only what a branch or tag reaches.
static bool publish(struct folder *f, const char *commit, struct err *e) {
    const char *git_dir = arena_printf(f->arena, "--git-dir=%s", f->mirror);
    const char *branch = arena_printf(f->arena, "refs/heads/c-%s", commit);
    return GIT(f, NULL, NULL, e, git_dir, "update-ref", branch, commit);
}

static bool prepare_folder(struct arena *a, const char *home, const char *path, struct repo_ref *out, struct err *e) {
    struct folder f = {.arena = a, .path = path};
    struct hash h = sha256(slice_str(path));
    char hex[65];
    const char *owner = arena_printf(a, "%.12s", hash_hex(&h, hex)), *name = safe_name(a, path);
    if (!make_mirror(&f, home, owner, name, e))
        return false;
    const char *commit = clean_head(&f);
    bool ok;
    if (commit[0])
        ok =
            GIT(&f, NULL, NULL, e, arena_printf(a, "--git-dir=%s", f.mirror), "fetch", "-q", "--no-tags", path, "HEAD");
    else
        ok = snapshot(&f, &commit, e);
    if (!ok || !publish(&f, commit, e))
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
    const struct tool c = {.argv = argv, .extra_env = plain_env, .timeout_ms = LOOK_MS};
    return tool_run(a, &c, out, e);
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

static bool prepare_local(struct arena *a, const char *home, const char *path, const char *folder, struct repo_ref *out,
                          struct err *e) {
    struct repo r;
    if (!prepare_folder(a, home, path, out, e))
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
        return prepare_local(a, home, arena_strdup(a, path), folder, out, e);
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
