// SPDX-License-Identifier: Apache-2.0
// What a server of Redis says, as it is used: numbers of answers, and texts of a bell, of whatever type they are.
// Canary: the seed `message` is a text, `window` an answer with two numbers.
#include "redis/redis_internal.h"

#include "redis/bell.h"
#include "redis/redis_link.h"

static void use(const redisReply *reply) {
    struct redis_answer a;
    struct slice text;
    uint8_t last = 0;
    redis_answer_read(&a, reply);
    BUG_ON(a.count > REDIS_NUMBERS_MAX || (a.refused && a.count));
    if (!bell_text(reply, &text))
        return;
    BUG_ON(text.len < REDIS_NAME_LEN || text.len > REDIS_NAME_LEN + BELL_TEXT_MAX);
    for (size_t i = 0; i < text.len; i++)
        last ^= text.ptr[i];
    BUG_ON(last && !text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    redisContext c = {.reader = redisReaderCreate()};
    struct redis_link l = {.c = &c};
    void *reply = NULL;
    redis_link_bound(&l);
    if (redisReaderFeed(c.reader, (const char *)data, size) == REDIS_OK)
        while (redisReaderGetReply(c.reader, &reply) == REDIS_OK && reply) {
            use(reply);
            freeReplyObject(reply);
        }
    redisReaderFree(c.reader);
    return 0;
}
