// SPDX-License-Identifier: Apache-2.0
#include "builder/cargo_config.h"

#define DEPTH_MAX 16

// --- data

// Where a value stands: its keys from the file's start, quoted, with dots between.
struct place {
    struct buf *out;
    struct arena *arena;
    const char *base;
    unsigned depth;
};

static const char *quoted(struct arena *a, const char *text) {
    json_t *j = json_of_bytes(text);
    const char *out = json_text(a, j);
    json_decref(j);
    return out;
}

static const char *below(const struct place *p, const char *keys, const char *key) {
    return arena_printf(p->arena, "%s%s%s", keys, *keys ? "." : "", quoted(p->arena, key));
}

static const char *folder_text(const struct place *p, const char *folder) {
    return quoted(p->arena, folder[0] == '/' ? folder : arena_printf(p->arena, "%s/%s", p->base, folder));
}

static void add_value(const struct place *p, const char *keys, const char *key, const json_t *v) {
    static const char *const folders[] = {"path", "directory", "local-registry"};
    bool is_folder = false;
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        is_folder |= strcmp(key, folders[i]) == 0;
    const char *text = is_folder && json_is_string(v) ? folder_text(p, json_string_value(v)) : json_text(p->arena, v);
    buf_printf(p->out, "%s = %s\n", below(p, keys, key), text);
}

static bool is_value(const json_t *v) {
    if (!json_is_array(v))
        return json_is_string(v) || json_is_integer(v) || json_is_boolean(v);
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!json_is_string(json_array_get(v, i)))
            return false;
    return true;
}

static void add_table(struct place *p, const char *keys, const json_t *table) {
    const char *key;
    json_t *v;
    if (++p->depth <= DEPTH_MAX)
        json_object_foreach((json_t *)table, key, v) {
            if (json_is_object(v))
                add_table(p, below(p, keys, key), v);
            else if (is_value(v))
                add_value(p, keys, key, v);
        }
    p->depth--;
}

// Of each table in a table, the keys that are named.
static void add_named(struct place *p, const char *name, const json_t *tables, const char *const *keys) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)tables, key, v) {
        for (size_t i = 0; keys[i]; i++) {
            const json_t *value = json_object_get(v, keys[i]);
            if (value && is_value(value))
                add_value(p, arena_printf(p->arena, "%s.%s", name, quoted(p->arena, key)), keys[i], value);
        }
    }
}

static void add_paths(const struct place *p, const json_t *paths) {
    buf_add_str(p->out, "paths = [");
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const char *path = json_string_value(json_array_get(paths, i));
        if (path)
            buf_printf(p->out, "%s, ", folder_text(p, path));
    }
    buf_add_str(p->out, "]\n");
}

void cargo_config_data(struct buf *out, struct arena *a, const json_t *settings, const char *base) {
    static const char *const source[] = {"replace-with", "directory", "local-registry",
                                         "registry",     "git",       "branch",
                                         "tag",          "rev",       NULL},
                             *const registry[] = {"index", "protocol", NULL};
    struct place p = {.out = out, .arena = a, .base = base};
    const json_t *paths = json_object_get(settings, "paths"), *patch = json_object_get(settings, "patch");
    const json_t *standard = json_object_get(json_object_get(settings, "registry"), "default");
    if (json_is_array(paths)) // before any table, as TOML wants it
        add_paths(&p, paths);
    if (json_is_string(standard))
        add_value(&p, "registry", "default", standard);
    add_named(&p, "source", json_object_get(settings, "source"), source);
    add_named(&p, "registries", json_object_get(settings, "registries"), registry);
    if (json_is_object(patch))
        add_table(&p, "patch", patch);
}

// --- programs

static const json_t *at(const json_t *settings, const char *table, const char *key) {
    return json_object_get(json_object_get(settings, table), key);
}

// The target's own linkers by the names that toolchains have for them: each means the one that is used here anyway.
static bool is_own_linker(const char *name) {
    static const char *const names[] = {"rust-lld", "lld", "wasm-ld", "wasm-component-ld"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static const char *target_linker(struct arena *a, const json_t *settings, const char *target) {
    const char *key;
    json_t *v;
    json_object_foreach(json_object_get(settings, "target"), key, v) {
        const char *linker = json_string_value(json_object_get(v, "linker"));
        if (linker && !is_own_linker(linker) && (strcmp(key, target) == 0 || strncmp(key, "cfg(", 4) == 0))
            return arena_printf(a, "target.%s.linker", key);
    }
    return NULL;
}

// Providers that are part of cargo have names that begin so; one of them runs the program that is named behind it.
static bool runs_provider(const json_t *v) {
    static const char inner[] = "cargo:", runner[] = "cargo:token-from-stdout";
    const char *text = json_string_value(json_is_array(v) && json_array_size(v) ? json_array_get(v, 0) : v);
    return text && (strncmp(text, inner, sizeof inner - 1) != 0 || strncmp(text, runner, sizeof runner - 1) == 0);
}

static const char *provider(struct arena *a, const json_t *settings) {
    const json_t *all = at(settings, "registry", "global-credential-providers");
    const char *key;
    json_t *v;
    for (size_t i = 0; i < json_array_size(all); i++)
        if (runs_provider(json_array_get(all, i)))
            return "registry.global-credential-providers";
    if (runs_provider(at(settings, "registry", "credential-provider")))
        return "registry.credential-provider";
    json_object_foreach(json_object_get(settings, "registries"), key, v) {
        if (runs_provider(json_object_get(v, "credential-provider")))
            return arena_printf(a, "registries.%s.credential-provider", key);
    }
    return NULL;
}

const char *cargo_config_program(struct arena *a, const json_t *settings, const char *target) {
    static const char *const compilers[] = {"rustc", "rustc-wrapper", "rustc-workspace-wrapper"};
    for (size_t i = 0; i < ARRAY_LEN(compilers); i++) {
        const char *name = json_string_value(at(settings, "build", compilers[i]));
        if (name && name[0] && strcmp(name, "rustc") != 0)
            return arena_printf(a, "build.%s", compilers[i]);
    }
    const char *linker = target_linker(a, settings, target);
    return linker ? linker : provider(a, settings);
}

unsigned cargo_config_line(struct slice text, const char *setting) {
    const char *dot = strrchr(setting, '.'), *word = dot ? dot + 1 : setting;
    unsigned line = 1;
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= text.len; i++) {
        bool starts = i == 0 || !strchr("abcdefghijklmnopqrstuvwxyz-_", text.ptr[i - 1]) || !text.ptr[i - 1];
        if (starts && memcmp(text.ptr + i, word, n) == 0) {
            size_t k = i + n;
            while (k < text.len && strchr(" \t\"'", text.ptr[k]) && text.ptr[k])
                k++;
            if (k < text.len && text.ptr[k] == '=')
                return line;
        }
        line += text.ptr[i] == '\n';
    }
    return 0;
}
