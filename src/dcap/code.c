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
    static const uint8_t classes[] = {
#define X(name, class, sentence) DCAP_##class,
        DCAP_CODES(X)
#undef X
    };
    return (enum dcap_class)classes[code];
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
