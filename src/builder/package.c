// SPDX-License-Identifier: Apache-2.0
#include "builder/package.h"

#define MEMBERS_MAX 1000
#define PROGRAMS_MAX 200

static bool has_text(const json_t *array, const char *text) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *s = json_string_value(json_array_get(array, i));
        if (s && strcmp(s, text) == 0)
            return true;
    }
    return false;
}

static const char *features_of(struct arena *a, const char *package, const json_t *target) {
    const json_t *list = json_object_get(target, "required-features");
    const char *out = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *feature = json_string_value(json_array_get(list, i));
        if (feature) // one of a dependency ("dep/feature") is named as it is
            out = arena_printf(a, "%s%s%s%s%s", out ? out : "", out ? "," : "", strchr(feature, '/') ? "" : package,
                               strchr(feature, '/') ? "" : "/", feature);
    }
    return out;
}

static bool add_programs(struct package *out, struct arena *a, const json_t *package, const char *default_run,
                         struct err *e) {
    const char *name;
    json_t *targets;
    if (!json_get_text(package, "name", &name, e) || !json_get_array(package, "targets", &targets, e))
        return false;
    name = arena_strdup(a, name);
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const json_t *target = json_array_get(targets, i);
        const char *program;
        if (!has_text(json_object_get(target, "kind"), "bin"))
            continue;
        if (!json_get_text(target, "name", &program, e))
            return false;
        if (out->program_count == PROGRAMS_MAX)
            return err_set(e, ERR_LIMIT, "the workspace has more than %d programs", PROGRAMS_MAX);
        struct program *p = &out->programs[out->program_count++];
        *p = (struct program){arena_strdup(a, program), name, features_of(a, name, target)};
        if (default_run && strcmp(default_run, program) == 0)
            out->meant = p;
    }
    return true;
}

// A lone program that wants features is built with them; beside another one it is not what is meant.
static void choose(struct package *out) {
    size_t plain = 0;
    for (size_t i = 0; i < out->program_count; i++)
        plain += !out->programs[i].features;
    if (!out->meant && out->program_count == 1 && !plain)
        out->meant = &out->programs[0];
}

bool package_read(struct package *out, struct arena *a, const json_t *metadata, const char *manifest, struct err *e) {
    json_t *packages, *members;
    const char *root;
    *out = (struct package){0};
    if (!json_get_text(metadata, "workspace_root", &root, e) || !json_get_array(metadata, "packages", &packages, e) ||
        !json_get_array(metadata, "workspace_default_members", &members, e))
        return false;
    if (json_array_size(packages) > MEMBERS_MAX)
        return err_set(e, ERR_LIMIT, "the workspace has more than %d members", MEMBERS_MAX);
    const char **manifests = arena_calloc(a, json_array_size(packages) + 1, sizeof *manifests);
    out->root = arena_strdup(a, root);
    out->programs = arena_calloc(a, PROGRAMS_MAX, sizeof *out->programs);
    for (size_t i = 0; i < json_array_size(packages); i++) {
        const json_t *package = json_array_get(packages, i);
        const char *id, *path, *default_run = NULL;
        if (!json_get_text(package, "id", &id, e) || !json_get_text(package, "manifest_path", &path, e) ||
            !json_opt_text(package, "default_run", &default_run, e))
            return false;
        manifests[out->manifest_count++] = arena_strdup(a, path);
        if (has_text(members, id) &&
            !add_programs(out, a, package, strcmp(path, manifest) == 0 ? default_run : NULL, e))
            return false;
    }
    out->manifests = manifests;
    choose(out);
    return true;
}
