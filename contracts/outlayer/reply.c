// SPDX-License-Identifier: Apache-2.0
#include "reply.h"

#define REPLY_MAX (3u * 1024 * 1024) // an output of OUTPUT_JSON_MAX bytes as an array of numbers takes less than two
static struct out out;

struct out *reply(void) {
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
