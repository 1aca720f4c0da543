// SPDX-License-Identifier: Apache-2.0
#include "cli/args.h"

#include "base/buf.h"
#include "base/text.h"

static const struct arg *find(const struct arg *table, size_t count, const char *text, const char **value) {
    size_t n = strcspn(text, "=");
    *value = text[n] ? text + n + 1 : NULL;
    for (size_t i = 0; i < count; i++)
        if (table[i].name && strlen(table[i].name) == n && !memcmp(table[i].name, text, n))
            return &table[i];
    return NULL;
}

static const struct arg *operand(const struct arg *table, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!table[i].name)
            return &table[i];
    return NULL;
}

static bool store(void *out, const struct arg *a, const char *value, struct err *e) {
    void *field = (char *)out + a->offset;
    switch (a->type) {
    case ARG_TEXT: *(const char **)field = value; return true;
    case ARG_FLAG: *(bool *)field = true; return true;
    case ARG_U64: {
        struct arg_u64 *n = field;
        n->given = true;
        if (text_u64(slice_str(value), &n->v))
            return true;
        err_set(e, ERR_USAGE, "%s '%s' is not a whole number", a->name, value);
        return err_hint(e, "%s takes digits only, for example %s 1000", a->name, a->name);
    }
    }
    return true;
}

static bool unknown(const struct arg *table, size_t count, const char *text, struct err *e) {
    char given[64];
    size_t n = strcspn(text, "=");
    err_set(e, ERR_USAGE, "unknown argument '%s'", text);
    struct nearest near = {.given = given, .most = 2};
    bool option = text[0] == '-' && text_copy(given, sizeof given, slice_of(text, n));
    for (size_t i = 0; option && i < count; i++)
        if (table[i].name)
            nearest_try(&near, table[i].name);
    for (size_t i = 0; text[0] != '-' && i < count; i++)
        if (table[i].name && strcmp(table[i].name, "--repo") == 0)
            return err_hint(e, "did you mean --repo %s?", text);
    return near.name ? err_hint(e, "did you mean %s?", near.name) : err_hint(e, "--help lists what this command takes");
}

bool args_parse(void *out, const struct arg *table, size_t count, int argc, char **argv, bool *help, struct err *e) {
    bool operand_seen = false;
    *help = false;
    for (int i = 0; i < argc; i++) {
        const char *text = argv[i], *value = NULL;
        const struct arg *a = NULL;
        if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
            *help = true;
            return true;
        }
        if (text[0] == '-' && text[1]) {
            a = find(table, count, text, &value);
        } else if (!operand_seen) {
            a = operand(table, count);
            value = text;
            operand_seen = true;
        }
        if (!a)
            return unknown(table, count, text, e);
        if (a->type == ARG_FLAG && value) { // --all=false would be taken for --all
            err_set(e, ERR_USAGE, "%s takes no value", a->name);
            return err_hint(e, "leave %s out where it is not wanted", a->name);
        }
        if (a->type != ARG_FLAG && !value && i + 1 < argc)
            value = argv[++i];
        if (a->type != ARG_FLAG && !value) {
            err_set(e, ERR_USAGE, "%s needs a value", a->name);
            return err_hint(e, "%s %s: %s", a->name, a->value, a->help);
        }
        if (!store(out, a, value, e))
            return false;
    }
    return true;
}

static bool is_among(const char *action, const char *actions) {
    for (size_t n = strlen(action); *actions; actions += strcspn(actions, ",")) {
        actions += strspn(actions, ", ");
        if (strcspn(actions, ",") == n && memcmp(actions, action, n) == 0)
            return true;
    }
    return false;
}

bool args_check_uses(const char *command, const char *action, const struct arg_use *uses, size_t count, struct err *e) {
    for (size_t i = 0; i < count; i++) {
        if (!uses[i].given || is_among(action, uses[i].actions))
            continue;
        err_set(e, ERR_USAGE, "`outlayer %s %s` takes no %s", command, action, uses[i].given);
        return err_hint(e, "it is for: %s", uses[i].actions);
    }
    return true;
}

void args_print_help(const char *command, const char *about, const struct arg *table, size_t count) {
    const struct arg *o = operand(table, count);
    printf("outlayer %s%s%s: %s\n\n", command, o ? " " : "", o ? o->value : "", about);
    for (size_t i = 0; i < count; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", table[i].name ? table[i].name : table[i].value,
                 table[i].name && table[i].value ? " " : "", table[i].name && table[i].value ? table[i].value : "");
        printf("  %-30s %s\n", left, table[i].help);
    }
}

static const char *action_name(const struct args_command *c, size_t i) {
    return *(const char *const *)(const void *)((const char *)c->actions + i * c->stride);
}

static void print_actions_help(const struct args_command *c) {
    SCOPED_BUF(command, 256); // more names than that would fall away, from the help alone
    buf_add_str(&command, c->name);
    for (size_t i = 0; i < c->action_count; i++)
        buf_printf(&command, "%c%s", i ? '|' : ' ', action_name(c, i));
    args_print_help(buf_str(&command), c->about, c->table, c->count);
}

bool args_no_action(const struct args_command *c, struct err *e) {
    err_set(e, ERR_USAGE, "%s", c->missing);
    return err_hint(e, "%s", c->hint);
}

bool args_action(size_t *action, void *out, const struct args_command *c, int argc, char **argv, bool *help,
                 struct err *e) {
    size_t i = 0;
    *help = argc > 0 && strcmp(argv[0], "--help") == 0;
    while (argc > 0 && i < c->action_count && strcmp(argv[0], action_name(c, i)) != 0)
        i++;
    if (!*help && (argc < 1 || i == c->action_count))
        return args_no_action(c, e);
    if (!*help && !args_parse(out, c->table, c->count, argc - 1, argv + 1, help, e))
        return false;
    if (*help)
        print_actions_help(c);
    *action = i;
    return true;
}
