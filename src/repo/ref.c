// SPDX-License-Identifier: Apache-2.0
#include "repo/ref.h"

#include "base/text.h"
#include <ctype.h>

#define COMMIT_DIGITS 40
#define SHORT_DIGITS 7

bool ref_name_ok(const char *text) {
    size_t len = strlen(text);
    uint64_t last = '/'; // bytes
    if (!ref_text_ok(text, len) || strpbrk(text, "~^:?*[\\") || text[len - 1] == '.')
        return false;
    for (size_t i = 0; i <= len; i++) {
        last = last << 8 | (i < len ? (uint8_t)text[i] : '/'); // the end ends a part, too
        uint16_t two = (uint16_t)last;
        if (two == ('/' << 8 | '/') || two == ('/' << 8 | '.') || two == ('.' << 8 | '.') || two == ('@' << 8 | '{') ||
            (last & 0xffffffffffff) == 0x2e6c6f636b2f) // ".lock/"
            return false;
    }
    return text_is_utf8(slice_str(text));
}

static bool starts(const char *s, const char *prefix) { return strncmp(s, prefix, strlen(prefix)) == 0; }

// Of refs that are written out only branches and tags: others (of pull requests) reach what nobody with rights took.
static bool is_ref(const char *text) {
    return ref_name_ok(text) && (!starts(text, "refs/") || starts(text, REF_HEADS) || starts(text, REF_TAGS));
}

const char *ref_short_commit(struct arena *a, const char *text) {
    size_t n = strspn(text, "0123456789abcdefABCDEF");
    if (text[n] || n < SHORT_DIGITS || n > COMMIT_DIGITS)
        return NULL;
    char *copy = arena_strdup(a, text);
    for (char *p = copy; *p; p++)
        *p = (char)tolower(*p);
    return copy;
}

bool ref_read(struct ref *out, struct arena *a, const char *text, struct err *e) {
    *out = (struct ref){0};
    if (!text || !text[0])
        text = "HEAD";
    if (!is_ref(text)) {
        err_set(e, ERR_INVALID, "'%.255s' is not the name of a branch, a tag or a commit", text);
        return err_hint(e, "name a branch or a tag as git does, or a commit by its first 7 digits or more");
    }
    const char *commit = ref_short_commit(a, text);
    out->is_commit = commit && strlen(commit) == COMMIT_DIGITS;
    out->is_whole = starts(text, "refs/");
    out->text = out->is_commit ? commit : arena_strdup(a, text);
    return true;
}
