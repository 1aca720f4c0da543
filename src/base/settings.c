// SPDX-License-Identifier: Apache-2.0
#include "base/settings.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>

#define CONFIG_FILE_MAX 65536

struct source {
    struct arena *arena;
    const struct setting *table;
    size_t count;
    const char **from_file; // value per row, NULL when absent
    const char *file;
};

static bool unknown(const struct source *s, const char *where, const char *name, struct err *e) {
    struct nearest n = {.given = name, .most = 5};
    for (size_t i = 0; i < s->count; i++)
        nearest_try(&n, s->table[i].name);
    err_set(e, ERR_SETTINGS, "%s: unknown setting '%s'", where, name);
    return n.name ? err_hint(e, "did you mean %s?", n.name) : err_hint(e, "--help lists the settings");
}

// Row of `name` or of NAME_FILE for a secret.
static bool find(const struct source *s, struct slice name, size_t *row, bool *is_file) {
    for (size_t i = 0; i < s->count; i++) {
        size_t n = strlen(s->table[i].name);
        *row = i;
        *is_file = false;
        if (slice_eq_str(name, s->table[i].name))
            return true;
        *is_file = s->table[i].type == SETTING_SECRET && name.len == n + 5 && !memcmp(name.ptr, s->table[i].name, n) &&
                   !memcmp(name.ptr + n, "_FILE", 5);
        if (*is_file)
            return true;
    }
    return false;
}

static bool read_secret(struct arena *a, const char *path, const char **out, struct err *e) {
    struct slice text;
    if (!file_read_secret(a, path, CONFIG_FILE_MAX, &text, e))
        return false;
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    *out = arena_text(a, text);
    return true;
}

static const char *variable(struct arena *a, const char *name) {
    const char *value = getenv(name);
    return value && value[0] ? arena_strdup(a, value) : NULL;
}

bool settings_secret(struct arena *a, const char *name, const char **out, struct err *e) {
    const char *file_name = arena_printf(a, "%s_FILE", name), *path = variable(a, file_name);
    *out = variable(a, name);
    return *out || !path || read_secret(a, path, out, e) || err_wrap(e, "%s", file_name);
}

static struct slice trim(struct slice t) {
    while (t.len && (*t.ptr == ' ' || *t.ptr == '\t'))
        t = slice_skip(t, 1);
    while (t.len && (t.ptr[t.len - 1] == ' ' || t.ptr[t.len - 1] == '\t' || t.ptr[t.len - 1] == '\r'))
        t.len--;
    return t;
}

// One line of a config file: NAME=value, value may be in single or double quotes; "export " in front is allowed.
static bool parse_line(struct source *s, struct slice line, unsigned number, struct err *e) {
    line = trim(line);
    if (!line.len || *line.ptr == '#')
        return true;
    if (slice_starts(line, SLICE_LIT("export ")))
        line = slice_skip(line, 7);
    const uint8_t *eq = memchr(line.ptr, '=', line.len);
    char where[256];
    snprintf(where, sizeof where, "%s:%u", s->file, number);
    if (!eq) {
        err_set(e, ERR_SETTINGS, "%s: no '=' in this line", where);
        return err_hint(e, "write NAME=value, or # in front of a comment");
    }
    struct slice name = trim(slice_of(line.ptr, (size_t)(eq - line.ptr)));
    struct slice value = trim(slice_skip(line, (size_t)(eq - line.ptr) + 1));
    if (value.len >= 2 && (*value.ptr == '"' || *value.ptr == '\'') && value.ptr[value.len - 1] == *value.ptr)
        value = slice_of(value.ptr + 1, value.len - 2);
    size_t row;
    bool is_file;
    if (!find(s, name, &row, &is_file))
        return unknown(s, where, arena_text(s->arena, name), e);
    if (!value.len)
        return true;
    const char *text = arena_text(s->arena, value);
    if (is_file && !read_secret(s->arena, text, &text, e))
        return err_wrap(e, "%s", where);
    s->from_file[row] = text;
    return true;
}

static bool read_file(struct source *s, const char *file, struct err *e) {
    s->file = file ? file : ".env";
    if (!file && access(s->file, F_OK) != 0)
        return true;
    struct slice text;
    if (!file_read_secret(s->arena, s->file, CONFIG_FILE_MAX, &text, e))
        return false;
    for (unsigned number = 1; text.len; number++) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t n = end ? (size_t)(end - text.ptr) : text.len;
        if (!parse_line(s, slice_of(text.ptr, n), number, e))
            return false;
        text = slice_skip(text, n + 1);
    }
    return true;
}

// Variables of the whole family that are set for all daemons at once, so that one .env can serve several of them.
static bool known_elsewhere(const char *name) {
    static const char *const shared[] = {"OUTLAYER_HOME", "OUTLAYER_NETWORK", "OUTLAYER_CACHE"};
    for (size_t i = 0; i < ARRAY_LEN(shared); i++)
        if (strcmp(name, shared[i]) == 0)
            return true;
    return false;
}

static bool check_environment(const struct source *s, struct err *e) {
    for (char **v = environ; *v; v++) {
        if (strncmp(*v, "OUTLAYER_", 9) != 0)
            continue;
        struct slice name = slice_of(*v, strcspn(*v, "="));
        size_t row;
        bool is_file;
        const char *text = arena_text(s->arena, name);
        if (!find(s, name, &row, &is_file) && !known_elsewhere(text))
            return unknown(s, "environment", text, e);
    }
    return true;
}

static bool value_of(const struct source *s, size_t row, const char **out, struct err *e) {
    const struct setting *t = &s->table[row];
    if (t->type == SETTING_SECRET) {
        if (!settings_secret(s->arena, t->name, out, e))
            return false;
    } else {
        *out = variable(s->arena, t->name);
    }
    if (!*out)
        *out = s->from_file[row] ? s->from_file[row] : t->fallback;
    if (*out || !t->required)
        return true;
    err_set(e, ERR_SETTINGS, "%s is not set", t->name);
    return err_hint(e, "%s", t->help);
}

static bool store(void *out, const struct setting *t, const char *value, struct err *e) {
    void *field = (char *)out + t->offset;
    uint64_t number = 0;
    switch (t->type) {
    case SETTING_TEXT:
    case SETTING_SECRET: *(const char **)field = value; return true;
    case SETTING_U64:
        if (value && (!text_u64(slice_str(value), &number) || number < t->min || number > t->max)) {
            err_set(e, ERR_SETTINGS, "%s is '%s'", t->name, value);
            return err_hint(e, "%s is a whole number from %" PRIu64 " to %" PRIu64, t->name, t->min, t->max);
        }
        *(uint64_t *)field = number;
        return true;
    case SETTING_BOOL:
        if (value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
            err_set(e, ERR_SETTINGS, "%s is '%s'", t->name, value);
            return err_hint(e, "%s is true or false", t->name);
        }
        *(bool *)field = value && strcmp(value, "true") == 0;
        return true;
    }
    return true;
}

bool settings_load(void *out, size_t out_size, struct arena *a, const struct setting *table, size_t count,
                   const char *file, struct err *e) {
    memset(out, 0, out_size);
    struct source s = {a, table, count, arena_calloc(a, count, sizeof(char *)), NULL};
    if (!check_environment(&s, e) || !read_file(&s, file, e))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *value;
        if (!value_of(&s, i, &value, e) || !store(out, &table[i], value, e))
            return false;
    }
    return true;
}

void settings_print_help(FILE *to, const struct setting *table, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct setting *t = &table[i];
        fprintf(to, "  %-26s %s", t->name, t->help);
        if (t->required)
            fprintf(to, " (required)");
        else if (t->fallback)
            fprintf(to, " (%s)", t->fallback);
        fprintf(to, "%s\n", t->type == SETTING_SECRET ? " [secret: also as NAME_FILE]" : "");
    }
}

void settings_print_env_example(FILE *to, const char *daemon, const struct setting *table, size_t count) {
    fprintf(to, "# Settings of %s with their defaults; remove the # in front of what you change.\n", daemon);
    for (size_t i = 0; i < count; i++)
        fprintf(to, "\n# %s\n%s%s=%s\n", table[i].help, table[i].required ? "" : "#", table[i].name,
                table[i].fallback ? table[i].fallback : "");
}

static bool print_about(const char *flag, const char *daemon, const char *about, const struct setting *table,
                        size_t count) {
    if (strcmp(flag, "--help") == 0) {
        printf("%s: %s\n\nUsage: %s [--config FILE] [--env-example] [--version]\n\nSettings (environment):\n", daemon,
               about, daemon);
        settings_print_help(stdout, table, count);
    } else if (strcmp(flag, "--version") == 0) {
        printf("%s %s\n", daemon, PROGRAM_VERSION);
    } else if (strcmp(flag, "--env-example") == 0) {
        settings_print_env_example(stdout, daemon, table, count);
    } else {
        return false;
    }
    return true;
}

bool daemon_args_parse(struct daemon_args *out, int argc, char **argv, const char *daemon, const char *about,
                       const struct setting *table, size_t count, int *exit_status) {
    *out = (struct daemon_args){.ready_fd = -1};
    // What is wrong with its settings bears its name, too, and is a line like the others.
    if (!log_init(daemon, "info", getenv("LOG_FORMAT"), NULL))
        (void)!log_init(daemon, "info", NULL, NULL);
    for (int i = 1; i < argc; i++) {
        *exit_status = 0;
        if (print_about(argv[i], daemon, about, table, count))
            return false;
        *exit_status = 2;
        bool has_value = i + 1 < argc;
        uint64_t fd;
        if (strcmp(argv[i], "--config") == 0 && has_value) {
            out->config = argv[++i];
        } else if (strcmp(argv[i], "--ready-fd") == 0 && has_value && text_u64(slice_str(argv[i + 1]), &fd) &&
                   fd <= INT32_MAX) {
            out->ready_fd = (int)fd;
            i++;
        } else {
            fprintf(stderr, "%s: cannot use argument '%s' (see %s --help)\n", daemon, argv[i], daemon);
            return false;
        }
    }
    return true;
}

void daemon_ready(const struct daemon_args *args, const char *json_line) {
    signal(SIGPIPE, SIG_IGN); // a peer that hangs up is an error value, here and in every daemon
    if (args->ready_fd < 0)
        return;
    dprintf(args->ready_fd, "%s\n", json_line);
    close(args->ready_fd);
}

bool settings_home(const char *given, const char *network, struct arena *a, const char **home, struct err *e) {
    const char *user = getenv("HOME");
    if (!given && !user) {
        err_set(e, ERR_SETTINGS, "no home folder for data");
        return err_hint(e, "set OUTLAYER_HOME or HOME");
    }
    *home = given ? given : arena_printf(a, "%s/.outlayer/%s", user, network);
    return file_make_dirs(*home, 0700, e);
}
