// SPDX-License-Identifier: Apache-2.0
#include "reply.h"

#define REPLY_MAX (3u * 1024 * 1024) // an output of OUTPUT_JSON_MAX bytes as an array of numbers takes less than two
static struct out out;

// Never inlined: emptying the buffer at each of its uses takes more code than a call.
[[gnu::noinline]] struct out *reply(void) {
    static char buffer[REPLY_MAX];
    out = OUT(buffer);
    return &out;
}

struct out *reply_open(char bracket) {
    put_open(reply(), bracket);
    return &out;
}

void reply_end(void) { answer_json(&out); }

void reply_close(char bracket) {
    put_close(&out, bracket);
    reply_end();
}

struct promise upgrade_to_input(uint64_t gas) {
    struct arguments code = arguments();
    struct text wasm = {code.ptr, code.len};
    require(wasm.len > 8 && memcmp(wasm.ptr, "\0asm", 4) == 0, "The input has to be the new contract's code, as it is");
    struct hash hash = sha256_of(wasm);
    struct out *o = reply_open('{');
    member_hex(o, "code_hash", &hash);
    put_close(o, '}');
    return promise_deploy(wasm, "migrate", out_text(o), gas);
}
