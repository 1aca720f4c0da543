// SPDX-License-Identifier: Apache-2.0
#include "builder/source.h"

const char *source_target_text(enum source_target t) { return t == TARGET_P1 ? "wasm32-wasip1" : "wasm32-wasip2"; }

static struct slice cut_until(struct slice *rest, char c) {
    const uint8_t *at = rest->len ? memchr(rest->ptr, c, rest->len) : NULL;
    struct slice part = slice_of(rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len);
    *rest = slice_skip(*rest, part.len + (at ? 1 : 0));
    return part;
}

bool source_parse(struct source *out, struct arena *a, const char *repo, const char *ref, const char *target,
                  struct err *e) {
    *out = (struct source){0};
    if (target && (strcmp(target, "wasm32-wasip1") == 0 || strcmp(target, "wasm32-wasi") == 0))
        out->target = TARGET_P1;
    else if (target && strcmp(target, "wasm32-wasip2") == 0)
        out->target = TARGET_P2;
    else
        return err_set(e, ERR_INVALID, "build target '%.60s' is unknown: wasm32-wasip1 and wasm32-wasip2 are built",
                       target ? target : "");
    struct repo r;
    struct ref named;
    if (!repo_read(&r, a, repo, e) || !ref_read(&named, a, ref, e))
        return false;
    out->url = r.url, out->name = r.name, out->folder = r.folder, out->place = r.place;
    out->ref = named.text, out->is_commit = named.is_commit, out->is_whole = named.is_whole;
    return true;
}

static bool is_host(struct arena *a, const char *name) {
    const char *repo = arena_printf(a, "%s/owner/name", name);
    return !strchr(name, '/') && repo_name_ok(repo, strlen(repo));
}

bool source_map_parse(struct source_map *out, struct arena *a, const char *text, struct err *e) {
    struct slice rest = slice_str(text);
    *out = (struct source_map){.entries = arena_calloc(a, rest.len / 2 + 1, sizeof *out->entries)};
    while (rest.len) {
        struct slice item = cut_until(&rest, ','), dir = item, name = cut_until(&dir, '=');
        const char *named = arena_text(a, name);
        if (!item.len)
            continue;
        if (!dir.len || dir.ptr[0] != '/')
            return err_set(e, ERR_SETTINGS, "REPO_MAP: '%.*s' is not host=/folder or host/owner/name=/folder",
                           SLICE_FMT(item));
        if (!is_host(a, named) && !repo_name(&named, a, named, e))
            return err_wrap(e, "REPO_MAP");
        out->entries[out->count++] = (struct source_mapping){named, arena_text(a, dir)};
    }
    return true;
}

const char *source_map_find(const struct source_map *m, struct arena *a, const char *name) {
    const char *path = strchr(name, '/');
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->entries[i].name, name) == 0)
            return m->entries[i].dir;
    for (size_t i = 0; path && i < m->count; i++) {
        if (strncmp(m->entries[i].name, name, (size_t)(path - name)) != 0 || m->entries[i].name[path - name])
            continue;
        const char *plain = arena_printf(a, "%s%s", m->entries[i].dir, path);
        return access(plain, F_OK) == 0 ? plain : arena_printf(a, "%s.git", plain);
    }
    return NULL;
}
