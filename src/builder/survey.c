// SPDX-License-Identifier: Apache-2.0
#include "builder/survey.h"

#include "base/text.h"

#define LISTED 5 // folders that a hint names
#define OUTPUT_MAX (256u << 10)

static int nearer(const void *x, const void *y) {
    const struct manifest *a = x, *b = y;
    int by_folder = strcmp(a->folder, b->folder);
    return a->depth != b->depth ? (a->depth < b->depth ? -1 : 1) : by_folder ? by_folder : strcmp(a->name, b->name);
}

// "DEPTH PATH", as find prints it. Names that nobody could write into a request are none of ours.
static bool read_entry(struct arena *a, struct slice entry, struct manifest *out) {
    const uint8_t *space = memchr(entry.ptr, ' ', entry.len);
    struct slice path = space ? slice_skip(entry, (size_t)(space - entry.ptr) + 1) : (struct slice){0};
    uint64_t depth;
    if (!path.len || !text_u64(slice_of(entry.ptr, (size_t)(space - entry.ptr)), &depth) || !text_is_utf8(path))
        return false;
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] < 0x20 || path.ptr[i] == 0x7f)
            return false;
    char *folder = arena_text(a, path), *slash = strrchr(folder, '/');
    *out = (struct manifest){slash ? folder : "", slash ? slash + 1 : folder, (unsigned)depth};
    if (slash)
        *slash = 0;
    return true;
}

bool survey_take(struct job *j, struct survey *out) {
    static const char *const words[] = {"/usr/bin/find",
                                        JOB_SRC,
                                        "-maxdepth",
                                        "9",
                                        "(",
                                        "-name",
                                        ".git",
                                        "-o",
                                        "-name",
                                        "target",
                                        "-o",
                                        "-name",
                                        "node_modules",
                                        "-o",
                                        "-name",
                                        "vendor",
                                        ")",
                                        "-prune",
                                        "-o",
                                        "-type",
                                        "f",
                                        "(",
                                        "-name",
                                        "Cargo.toml",
                                        "-o",
                                        "-name",
                                        "outlayer.toml",
                                        "-o",
                                        "-name",
                                        "Makefile",
                                        "-o",
                                        "-name",
                                        "makefile",
                                        "-o",
                                        "-name",
                                        "GNUmakefile",
                                        ")",
                                        "-printf",
                                        "%d %P\\0",
                                        NULL};
    static const char *const env[] = {"LC_ALL=C.UTF-8", NULL};
    struct sandbox_command c = {.argv = words, .env = env, .ours = true, .output_max = OUTPUT_MAX};
    struct sandbox_result r;
    *out = (struct survey){.manifests = arena_calloc(j->arena, SURVEY_MAX, sizeof *out->manifests)};
    if (!job_run(j, &c, &r))
        return false;
    if (r.cut) // the first half is before the cut, and its whole names count
        r.output.len = OUTPUT_MAX / 2;
    while (r.cut && r.output.len && r.output.ptr[r.output.len - 1])
        r.output.len--;
    for (struct slice rest = r.output; rest.len && out->count < SURVEY_MAX;) {
        const uint8_t *end = memchr(rest.ptr, 0, rest.len);
        struct slice entry = slice_of(rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len);
        rest = slice_skip(rest, entry.len + 1);
        out->count += read_entry(j->arena, entry, &out->manifests[out->count]);
    }
    qsort(out->manifests, out->count, sizeof *out->manifests, nearer);
    return true;
}

const char *survey_hint(struct job *j) {
    struct build_result result = *j->result;
    struct err e = {0}, *before = j->e;
    bool failed = j->failed;
    struct survey s;
    j->e = &e;
    bool ok = survey_take(j, &s);
    j->e = before, j->failed = failed, *j->result = result;
    const char *seen = "", *first = NULL, *last = NULL;
    for (size_t i = 0, n = 0; ok && i < s.count && n < LISTED; i++) {
        const struct manifest *m = &s.manifests[i];
        if (strcmp(m->folder, j->folder) == 0 || (last && strcmp(last, m->folder) == 0))
            continue;
        first = first ? first : m->folder, last = m->folder;
        seen = arena_printf(j->arena, "%s%s%s in %s/", seen, n++ ? ", " : "", m->name, *m->folder ? m->folder : ".");
    }
    return !first ? ""
                  : arena_printf(j->arena, "; there is %s: ask for the folder that is meant, such as %s//%s", seen,
                                 j->source.url, first);
}
