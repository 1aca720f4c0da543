// SPDX-License-Identifier: Apache-2.0
#include "cli/project.h"

#include "base/buf.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define MARK "@name@"
#define FILE_BYTES_MAX 65536

struct template {
    const char *path;
    const uint8_t *begin, *end;
};
#define TEMPLATE(name) extern const uint8_t cli_template_##name[], cli_template_##name##_end[];
TEMPLATE(readme)
TEMPLATE(c_main)
TEMPLATE(c_makefile)
TEMPLATE(c_gitignore)
TEMPLATE(cpp_main)
TEMPLATE(cpp_makefile)
TEMPLATE(cpp_gitignore)
TEMPLATE(rust_main)
TEMPLATE(rust_manifest)
TEMPLATE(rust_lock)
TEMPLATE(rust_gitignore)
#define WRITE(path, name)                                                                                              \
    { path, cli_template_##name, cli_template_##name##_end }

static const struct template c_files[] = {WRITE("main.c", c_main), WRITE("Makefile", c_makefile),
                                          WRITE("README.md", readme), WRITE(".gitignore", c_gitignore)};
static const struct template cpp_files[] = {WRITE("main.cpp", cpp_main), WRITE("Makefile", cpp_makefile),
                                            WRITE("README.md", readme), WRITE(".gitignore", cpp_gitignore)};
static const struct template rust_files[] = {WRITE("src/main.rs", rust_main), WRITE("Cargo.toml", rust_manifest),
                                             WRITE("Cargo.lock", rust_lock), WRITE("README.md", readme),
                                             WRITE(".gitignore", rust_gitignore)};
// What cargo lets no program be called: it makes folders of these names beside programs.
static const char *const rust_taken[] = {"build", "deps", "examples", "incremental", NULL};
static const char *const none_taken[] = {NULL};

static const struct language {
    const char *name;
    const struct template *files;
    size_t count;
    const char *const *taken;
} languages[] = {{"c", c_files, ARRAY_LEN(c_files), none_taken},
                 {"rust", rust_files, ARRAY_LEN(rust_files), rust_taken},
                 {"cpp", cpp_files, ARRAY_LEN(cpp_files), none_taken}};

static bool find_language(const struct language **out, const char *name, struct err *e) {
    for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
        *out = &languages[i];
        if (strcmp(name, languages[i].name) == 0)
            return true;
    }
    err_set(e, ERR_USAGE, "no project can be made in '%s'", name);
    return err_hint(e, "--lang is " PROJECT_LANGUAGES);
}

// It becomes the name of a package, of a module and of a part of an address.
static bool check_name(const char *name, const struct language *l, struct err *e) {
    size_t n = strlen(name);
    bool ok = n <= PROJECT_NAME_MAX && isalpha((unsigned char)name[0]);
    for (size_t i = 0; ok && i < n; i++)
        ok = isalnum((unsigned char)name[i]) || name[i] == '-' || name[i] == '_';
    if (!ok) {
        err_set(e, ERR_USAGE, "'%.100s' cannot be a project's name", name);
        return err_hint(e, "a name begins with a letter and has letters, digits, '-' and '_', at most %d in all",
                        PROJECT_NAME_MAX);
    }
    for (const char *const *t = l->taken; *t; t++) {
        if (strcmp(name, *t) == 0) {
            err_set(e, ERR_USAGE, "cargo lets no program be called '%s'", name);
            return err_hint(e, "choose another name");
        }
    }
    return true;
}

static struct slice fill_in(struct arena *a, const struct template *t, const char *name) {
    SCOPED_BUF(b, FILE_BYTES_MAX);
    struct slice rest = slice_of(t->begin, (size_t)(t->end - t->begin));
    for (const uint8_t *at; (at = memmem(rest.ptr, rest.len, MARK, strlen(MARK)));) {
        size_t before = (size_t)(at - rest.ptr);
        buf_add(&b, rest.ptr, before);
        buf_add_str(&b, name);
        rest = slice_skip(rest, before + strlen(MARK));
    }
    buf_add_slice(&b, rest);
    BUG_ON(b.full); // the templates are ours
    return arena_copy(a, buf_slice(&b));
}

static bool write_files(struct arena *a, const char *dir, const struct language *l, const char *name, struct err *e) {
    for (size_t i = 0; i < l->count; i++) {
        char *path = arena_printf(a, "%s/%s", dir, l->files[i].path), *slash = strrchr(path, '/');
        *slash = 0;
        bool there = file_make_dirs(path, 0755, e);
        *slash = '/';
        if (!there || !file_write_unsynced(path, fill_in(a, &l->files[i], name), 0644, e))
            return false;
    }
    return true;
}

// Gives the draft its name, unless anything has that name, be it an empty folder that was made a moment ago. A file
// system that knows no such rename (NFS, 9p) has the name held by an empty folder of ours first: rename replaces that
// one, and no folder in which there is something.
static bool take_name(const char *draft, const char *path, struct err *e) {
    bool taken = renameat2(AT_FDCWD, draft, AT_FDCWD, path, RENAME_NOREPLACE) == 0;
    if (!taken && errno == EINVAL && mkdir(path, 0700) == 0) {
        taken = rename(draft, path) == 0;
        int why = errno;
        if (!taken)
            rmdir(path);
        errno = why;
    }
    if (taken || (errno != EEXIST && errno != ENOTEMPTY))
        return taken || err_errno(e, "cannot make '%s'", path);
    err_set(e, ERR_CONFLICT, "'%s' is there already", path);
    return err_hint(e, "nothing was changed; choose another name, or move it away");
}

// Everything is written beside the folder's place, under a name that hides, and then given its name.
static bool create(struct arena *a, const char *parent, const char *path, const struct language *l, const char *name,
                   struct err *e) {
    char *draft = arena_printf(a, "%s/.%s.init-XXXXXX", parent, name);
    mode_t mask = umask(0);
    umask(mask);
    if (!mkdtemp(draft)) {
        err_errno(e, "cannot make a folder in '%s'", parent);
        e->code = ERR_USAGE;
        return err_hint(e, "the folder that the project comes into has to be there, and yours to write in");
    }
    bool ok = write_files(a, draft, l, name, e);
    ok = ok && (chmod(draft, 0777 & ~mask) == 0 || err_errno(e, "cannot make '%s'", path)) && take_name(draft, path, e);
    if (!ok && !file_remove_tree(draft, NULL))
        err_hint(e, "'%s' could not be removed again", draft);
    return ok;
}

// Without slashes at the end; "" stays as it is.
static char *plain_path(struct arena *a, const char *path) {
    char *plain = arena_strdup(a, path);
    for (size_t n = strlen(plain); n > 1 && plain[n - 1] == '/';)
        plain[--n] = 0;
    return plain;
}

const char *project_name(struct arena *a, const char *path) {
    char *plain = plain_path(a, path), *slash = strrchr(plain, '/');
    return slash ? slash + 1 : plain;
}

bool project_create(struct arena *a, const char *path, const char *language, const char **files, struct err *e) {
    const struct language *l;
    char *plain = plain_path(a, path), *parent = arena_strdup(a, plain), *slash = strrchr(parent, '/');
    const char *name = project_name(a, path);
    if (!find_language(&l, language, e) || !check_name(name, l, e))
        return false;
    if (slash)
        slash[slash == parent] = 0;
    if (!create(a, slash ? parent : ".", plain, l, name, e))
        return false;
    const char *list = l->files[0].path;
    for (size_t i = 1; i < l->count; i++)
        list = arena_printf(a, "%s, %s", list, l->files[i].path);
    if (files)
        *files = list;
    return true;
}
