// SPDX-License-Identifier: Apache-2.0
// What is said is packed in the module (contracts/texts.pl): a byte that is no ASCII character that can be seen stands
// for two others. These functions replace the SDK's writers of such texts, and the verifier's comparison with them.
// Natively nothing is packed, as all that is said is ASCII.
#include "events.h"
#include "sdk/env.h"

#define TEXT_PAIRS 160 // of the bytes from 128 to 255, then of 0 to 31
// Filled by texts.pl; some bytes, so that nothing is concluded from their being equal.
[[gnu::used]] const uint8_t text_pairs[2 * TEXT_PAIRS] = {'a', 'b'};

static void put_byte(struct out *o, uint8_t c) {
    uint8_t pair = (uint8_t)(c - 128);
    if (pair >= TEXT_PAIRS) {
        out_char(o, (char)c);
        return;
    }
    put_byte(o, text_pairs[2 * pair]);
    put_byte(o, text_pairs[2 * pair + 1]);
}

void out_str(struct out *o, const char *s) {
    while (*s)
        put_byte(o, (uint8_t)*s++);
}

// Behind the bytes that a byte of a packed text stands for; NULL: they are others.
static const uint8_t *take_byte(const uint8_t *at, const uint8_t *end, uint8_t c) {
    uint8_t pair = (uint8_t)(c - 128);
    if (pair >= TEXT_PAIRS)
        return at && at < end && *at == c ? at + 1 : NULL;
    return take_byte(take_byte(at, end, text_pairs[2 * pair]), end, text_pairs[2 * pair + 1]);
}

// In place of the verifier's, for texts that are read.
const uint8_t *dcap_text_behind(const char *text, const uint8_t *at, const uint8_t *end) {
    for (; at && *text; text++)
        at = take_byte(at, end, (uint8_t)*text);
    return at;
}

// Sentences and answers have one place, so the linker knows it and nothing that writes is handed it.
struct out *sentence(void) {
    return reply();
}

_Noreturn void stop(const char *words) {
    struct out *o = sentence();
    out_str(o, words);
    stop_out(o);
}

void put_word(struct out *o, const char *word) {
    put_value(o, TEXT("\""));
    out_str(o, word);
    out_char(o, '"');
}

void put_key(struct out *o, const char *name) {
    put_word(o, name);
    out_char(o, ':');
    o->due = false;
}

void member_word(struct out *o, const char *key, const char *word) {
    put_key(o, key);
    put_word(o, word);
}
