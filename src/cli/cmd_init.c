// SPDX-License-Identifier: Apache-2.0
// `outlayer init`: a project to start from.
#include "cli/commands.h"

#include "cli/project.h"
#include <signal.h>

struct init_options {
    const char *path, *language;
};

static const struct arg table[] = {
    ARG_OPERAND(struct init_options, path, "NAME", "the folder that is made; its name is the project's"),
    ARG_OPTION(struct init_options, language, "--lang", "L", PROJECT_LANGUAGES),
};

static bool init(struct arena *a, const struct init_options *o, struct err *e) {
    const char *files;
    if (!o->path || !o->language) {
        err_set(e, ERR_USAGE, "no %s given", o->path ? "language" : "name");
        return err_hint(e, "outlayer init NAME --lang L, where L is " PROJECT_LANGUAGES);
    }
    // A Ctrl-C waits the moment until the folder is whole.
    sigset_t stop, before;
    sigfillset(&stop);
    sigprocmask(SIG_BLOCK, &stop, &before);
    bool ok = project_create(a, o->path, o->language, &files, e);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (!ok)
        return false;
    const char *dir = o->path[0] == '/' ? o->path : arena_printf(a, "./%s", o->path);
    printf("made %s: %s\n\nTry it here:  outlayer run %s --input World\nand on a chain, once `outlayer up` runs in "
           "another terminal:  outlayer request --repo %s --input World\n",
           dir, files, dir, dir);
    return true;
}

int command_init(int argc, char **argv) {
    SCOPED_ARENA(a);
    struct init_options o = {0};
    struct err e;
    bool help;
    if (!args_parse(&o, table, ARRAY_LEN(table), argc, argv, &help, &e))
        return command_failed(&e);
    if (help) {
        args_print_help("init", "writes a project to start from", table, ARRAY_LEN(table));
        return CLI_OK;
    }
    return init(a, &o, &e) ? CLI_OK : command_failed(&e);
}
