// SPDX-License-Identifier: Apache-2.0
#include "protocol/source_mark.h"

#include "base/buf.h"
#include "codec/hex.h"
#include "crypto/hash.h"
#include "repo/ref.h"
#include "repo/repo.h"
#include <inttypes.h>

static uint64_t number_of(const uint8_t bytes[static 8]) {
    uint64_t n = 0;
    for (size_t i = 0; i < 8; i++)
        n = n << 8 | bytes[i];
    return n;
}

uint64_t source_mark(const char *repo, const char *ref, const char *target) {
    SCOPED_ARENA(a);
    struct repo r;
    struct ref f;
    if (!repo_read(&r, a, repo, NULL) || !ref_read(&f, a, ref, NULL))
        return 0;
    struct hash h = sha256(slice_str(arena_printf(a, "%s\n%s\n%s", r.place, f.text, target)));
    return number_of(h.b);
}

const char *source_marks_text(struct arena *a, const uint64_t *marks, size_t n) {
    SCOPED_BUF(out, SOURCE_MARKS_MAX * (SOURCE_MARK_LEN + 1) + 1);
    for (size_t i = 0; i < n; i++)
        buf_printf(&out, "%s%016" PRIx64, i ? "," : "", marks[i]);
    return arena_strdup(a, buf_str(&out));
}

bool source_marks_parse(uint64_t out[static SOURCE_MARKS_MAX], size_t *count, const char *text, struct err *e) {
    *count = 0;
    for (const char *at = text; at && *at;) {
        size_t n = strcspn(at, ",");
        uint8_t bytes[8];
        if (*count == SOURCE_MARKS_MAX)
            return err_set(e, ERR_INVALID, "at_hand names more than %d sources", SOURCE_MARKS_MAX);
        if (!hex_decode_exact(bytes, sizeof bytes, slice_of(at, n), NULL))
            return err_set(e, ERR_INVALID, "at_hand is a comma list of %d hexadecimal digits each, not '%.40s'",
                           SOURCE_MARK_LEN, at);
        out[(*count)++] = number_of(bytes);
        at += n + (at[n] == ',');
    }
    return true;
}
