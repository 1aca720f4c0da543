// SPDX-License-Identifier: Apache-2.0
// Refs as strangers write them: what is accepted is its own reading, can be no option, no revision (a..b, a~1, a^{},
// a@{1}) and no refspec, and is a branch or a tag where it is written out. Canary: the seeds reach a name, a written
// out ref, a commit and its beginning.
#include "repo/ref.h"

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct ref r, again;
    struct err e = {0};
    bool plain = size && ref_text_ok((const char *)data, size);
    BUG_ON(plain && memchr(data, 0, size));
    if (!ref_read(&r, a, arena_text(a, slice_of(data, size)), &e)) {
        BUG_ON(e.code != ERR_INVALID || !e.msg[0]);
        return 0;
    }
    BUG_ON(!ref_text_ok(r.text, strlen(r.text))); // the contract takes it
    BUG_ON(r.text[0] == '-' || strlen(r.text) > REF_MAX || !text_is_utf8(slice_str(r.text)));
    BUG_ON(strstr(r.text, "..") || strstr(r.text, "@{") || strpbrk(r.text, "~^:?*[\\ \n"));
    BUG_ON(r.is_whole && strncmp(r.text, REF_HEADS, 11) != 0 && strncmp(r.text, REF_TAGS, 10) != 0);
    BUG_ON(r.is_commit && (strlen(r.text) != 40 || strspn(r.text, "0123456789abcdef") != 40));
    BUG_ON(!ref_read(&again, a, r.text, &e) || strcmp(again.text, r.text) != 0 || again.is_commit != r.is_commit);
    const char *commit = ref_short_commit(a, r.text);
    BUG_ON(commit && !ref_read(&again, a, commit, &e));
    return 0;
}
