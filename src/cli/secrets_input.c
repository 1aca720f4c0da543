// SPDX-License-Identifier: Apache-2.0
#include "cli/secrets_input.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/prompt.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool secrets_from_env(struct secrets *out, struct arena *a, struct slice text, struct err *e) {
    if (!env_file_read(out, a, text, GIVEN_BY_USER, e))
        return false;
    if (out->count)
        return true;
    err_set(e, ERR_USAGE, "there are no secrets in the input");
    return err_hint(e, "it takes lines NAME=value, from standard input or --env-file FILE");
}

// --- where from

static bool read_all(struct arena *a, int fd, struct slice *out, struct err *e) {
    struct buf b = buf_init_wiped(ENV_FILE_MAX);
    ssize_t n = 1;
    for (uint8_t *to; n > 0 && (to = buf_room(&b, 4096)); buf_commit(&b, n > 0 ? (size_t)n : 0))
        do
            n = read(fd, to, 4096);
        while (n < 0 && errno == EINTR);
    *out = arena_copy(a, buf_slice(&b));
    buf_free_wiped(&b);
    return n == 0 || err_set(e, n < 0 ? ERR_IO : ERR_TOO_LARGE,
                             n < 0 ? "the input cannot be read" : "the input has more than 128 KiB");
}

static bool prompt(struct secrets *out, struct arena *a, int tty, struct err *e) {
    const char *name, *value;
    *out = (struct secrets){arena_calloc(a, SECRETS_MAX, sizeof *out->items), 0};
    for (;;) {
        if (!prompt_ask(a, tty, out->count ? "another name (empty: done): " : "name: ", false, &name, e))
            return false;
        if (!name || !name[0])
            return out->count || err_set(e, ERR_USAGE, "no secrets were given");
        if (!secret_name_check(slice_str(name), GIVEN_BY_USER, e) ||
            !prompt_ask(a, tty, arena_printf(a, "value of %s (not shown): ", name), true, &value, e))
            return e->code == ERR_USAGE ? err_hint(e, "--env-file takes values of any length") : false;
        if (!value)
            return err_set(e, ERR_USAGE, "the input ended before the value of %s: nothing was sealed or sent", name);
        if (!env_add(out, a, slice_str(name), value, GIVEN_BY_USER, e))
            return false;
    }
}

bool secrets_read(struct secrets *out, struct arena *a, const char *file, struct err *e) {
    struct slice text;
    if (file) {
        int fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return err_set(e, ERR_USAGE, "cannot open '%s': %s", file, strerror(errno));
        bool ok = read_all(a, fd, &text, e);
        close(fd);
        return ok && (secrets_from_env(out, a, text, e) || err_wrap(e, "%s", file));
    }
    if (isatty(STDIN_FILENO))
        return prompt(out, a, STDIN_FILENO, e);
    return read_all(a, STDIN_FILENO, &text, e) && secrets_from_env(out, a, text, e);
}
