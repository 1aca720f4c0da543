// SPDX-License-Identifier: Apache-2.0
#include "dcap/code.h"

bool dcap_fail(struct dcap_fault *f, enum dcap_code code, enum dcap_part part) {
    return dcap_fail_with(f, code, part, 0);
}

bool dcap_fail_with(struct dcap_fault *f, enum dcap_code code, enum dcap_part part, uint64_t detail) {
    *f = (struct dcap_fault){code, part, detail};
    return false;
}

enum dcap_class dcap_code_class(enum dcap_code code) {
    // A bit for each code that is FALSE.
#define X(name, class, sentence)                                                                                       \
    | (uint64_t)(DCAP_##class == DCAP_FALSE && DCAP_##name / 64 == WORD) << DCAP_##name % 64
#define WORD 0
    static const uint64_t first = 0 DCAP_CODES(X);
#undef WORD
#define WORD 1
    static const uint64_t second = 0 DCAP_CODES(X);
#undef WORD
#undef X
#define X(name, class, sentence) +1
    _Static_assert(DCAP_CODES(X) <= 128, "the words have a bit for each code");
#undef X
    return (code < 64 ? first : second) >> code % 64 & 1 ? DCAP_FALSE : DCAP_UNCHECKABLE;
}

const char *dcap_code_name(enum dcap_code code) {
    static const char names[] =
#define X(name, class, sentence) #name "\0"
        DCAP_CODES(X)
#undef X
        ;
    return dcap_nth(names, code);
}

const char *dcap_code_sentence(enum dcap_code code) {
    static const char sentences[] =
#define X(name, class, sentence) sentence "\0"
        DCAP_CODES(X)
#undef X
        ;
    return dcap_nth(sentences, code);
}

const char *dcap_part_words(enum dcap_part part) {
    static const char words[] =
#define X(name, words) words "\0"
        DCAP_PARTS(X)
#undef X
        ;
    return dcap_nth(words, part);
}
