// SPDX-License-Identifier: Apache-2.0
// Words of accounts from any bytes: refused with a reason, or read into what is bounded, whose message has one line for
// each thing that it says, and which nobody's signature is guessed for.
#include "codec/hex.h"
#include "secrets/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines(const char *text) {
    size_t n = 1;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void read_word(struct arena *a, const char *base64) {
    struct word w;
    struct err e = {0};
    if (!word_read(&w, a, base64, &e)) {
        BUG_ON(!e.msg[0]);
        return;
    }
    BUG_ON(strlen(w.account) > NEAR_ACCOUNT_MAX || strlen(w.coordinator) > WORD_COORDINATOR_MAX);
    BUG_ON(w.callback_url && strlen(w.callback_url) > CALLBACK_URL_MAX);
    BUG_ON(lines(word_message(a, &w, "devnet", "list API keys")) != 5);
    BUG_ON(w.valid_until_ms > 1 && word_check(&w, "devnet", "an act that nobody signed", w.valid_until_ms - 1, &e));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    read_word(a, base64_text(a, slice_of(data, size)));
    read_word(a, arena_text(a, slice_of(data, size)));
    return 0;
}
