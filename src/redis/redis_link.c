// SPDX-License-Identifier: Apache-2.0
#include "redis/redis_link.h"

#include "base/clock.h"
#include "base/sync.h"
#include "base/text.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define WORDS_MAX 16
#define CLIENT_NAME "outlayer-coordinator"

// --- bounds

// hiredis makes room for as many elements as an answer says it has, before the first of them is there.
static void *make_array(const redisReadTask *task, int elements) {
    const struct redis_link *l = task->privdata;
    return elements > REDIS_ANSWER_WIDTH_MAX ? NULL : l->make_array(task, elements);
}

void redis_link_bound(struct redis_link *l) {
    l->made_by = *l->c->reader->fn;
    l->make_array = l->made_by.createArray;
    l->made_by.createArray = make_array;
    l->c->reader->fn = &l->made_by;
    l->c->reader->privdata = l;
}

// --- failures

static bool unavailable(struct err *e, const char *why) {
    char text[160];
    snprintf(text, sizeof text, "%s", why);
    text_make_printable(text, true);
    return err_set(e, ERR_UNAVAILABLE, "Redis: %s", text);
}

static bool broken(const struct redis_link *l, struct err *e) {
    return unavailable(e, l->c->errstr[0] ? l->c->errstr : "the connection is broken");
}

// --- waiting

// Until one of `events` is there. ERR_TIMEOUT: until_ms has passed.
static bool wait_for(const struct redis_link *l, short events, uint64_t until_ms, struct err *e) {
    struct pollfd fds[] = {{.fd = l->c->fd, .events = events}, {.fd = l->stop_fd, .events = POLLIN}};
    for (;;) {
        uint64_t now = clock_mono_ms(), left = until_ms > now ? until_ms - now : 0;
        int n = poll(fds, ARRAY_LEN(fds), left > 60000 ? 60000 : (int)left);
        if (n < 0 && errno != EINTR)
            return err_errno(e, "Redis: poll");
        if (n > 0 && fds[1].revents)
            return unavailable(e, "the process ends");
        if (n > 0)
            return true;
        if (clock_mono_ms() >= until_ms)
            return err_set(e, ERR_TIMEOUT, "Redis: no answer in time");
    }
}

static bool finish_connect(const struct redis_link *l, uint64_t until_ms, struct err *e) {
    int failure = 0;
    socklen_t size = sizeof failure;
    if (!wait_for(l, POLLOUT, until_ms, e))
        return false;
    if (getsockopt(l->c->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
        failure = errno;
    char text[128];
    return !failure || unavailable(e, strerror_r(failure, text, sizeof text));
}

// --- questions

void redis_link_put(struct redis_link *l, size_t count, const struct slice *words) {
    const char *at[WORDS_MAX];
    size_t lengths[WORDS_MAX];
    BUG_ON(count > WORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        at[i] = (const char *)words[i].ptr;
        lengths[i] = words[i].len;
    }
    BUG_ON(redisAppendCommandArgv(l->c, (int)count, at, lengths) != REDIS_OK); // it fails for want of memory alone
}

static bool exchange(struct redis_link *l, uint64_t until_ms, struct err *e) {
    int sent = 0;
    if (redisBufferWrite(l->c, &sent) != REDIS_OK)
        return broken(l, e);
    if (!wait_for(l, (short)(POLLIN | (sent ? 0 : POLLOUT)), until_ms, e))
        return false;
    if (redisBufferRead(l->c) != REDIS_OK) // what is not there yet is no failure
        return broken(l, e);
    return l->c->reader->len - l->c->reader->pos <= REDIS_ANSWER_BYTES_MAX || unavailable(e, "an answer is too long");
}

bool redis_link_read(struct redis_link *l, uint64_t until_ms, redisReply **out, struct err *e) {
    for (void *reply = NULL;;) {
        if (redisGetReplyFromReader(l->c, &reply) != REDIS_OK)
            return broken(l, e);
        if (reply) {
            *out = reply;
            return true;
        }
        if (!exchange(l, until_ms, e))
            return false;
    }
}

// --- life

// What the server says of a refusal is not shown: some repeat the words of a command that they do not know.
static bool expect_ok(struct redis_link *l, uint64_t until_ms, const char *refused, struct err *e) {
    redisReply *reply;
    if (!redis_link_read(l, until_ms, &reply, e))
        return false;
    bool ok = reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    return ok || unavailable(e, refused);
}

static bool show_password(struct redis_link *l, const struct redis_url *u, uint64_t until_ms, struct err *e) {
    if (!u->password)
        return true;
    const struct slice words[] = {SLICE_LIT("AUTH"), slice_str(u->user ? u->user : u->password),
                                  slice_str(u->password)};
    redis_link_put(l, u->user ? 3 : 2, words);
    return expect_ok(l, until_ms, "the server refuses the password", e);
}

static bool choose_database(struct redis_link *l, const struct redis_url *u, uint64_t until_ms, struct err *e) {
    char number[16];
    snprintf(number, sizeof number, "%u", u->database);
    redis_link_put(l, 2, (const struct slice[]){SLICE_LIT("SELECT"), slice_str(number)});
    return expect_ok(l, until_ms, "the server wants a password, or lacks the database", e);
}

// For operators who look at the server's list of clients. Not every server lets each user have a name.
static bool take_name(struct redis_link *l, uint64_t until_ms, struct err *e) {
    redisReply *reply;
    redis_link_put(l, 3, (const struct slice[]){SLICE_LIT("CLIENT"), SLICE_LIT("SETNAME"), SLICE_LIT(CLIENT_NAME)});
    if (!redis_link_read(l, until_ms, &reply, e))
        return false;
    freeReplyObject(reply);
    return true;
}

bool redis_link_open(struct redis_link *l, const struct redis_url *u, int stop_fd, uint64_t until_ms, struct err *e) {
    *l = (struct redis_link){.c = redisConnectNonBlock(u->host, u->port), .stop_fd = stop_fd};
    BUG_ON(!l->c);
    bool ok = !l->c->err || broken(l, e);
    if (ok)
        redis_link_bound(l);
    if (ok && finish_connect(l, until_ms, e) && show_password(l, u, until_ms, e) &&
        choose_database(l, u, until_ms, e) && take_name(l, until_ms, e))
        return true;
    redis_link_close(l);
    return false;
}

void redis_link_close(struct redis_link *l) {
    if (l->c)
        redisFree(l->c);
    l->c = NULL;
}
