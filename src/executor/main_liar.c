// SPDX-License-Identifier: Apache-2.0
// For tests: an executor that an escaped guest has taken over. It speaks the wire and ends as its standard input says:
//   VERB [COUNT] [FILE]   COUNT: what the shared page shall say was used; FILE: misbehaves only while that is not there
// A module to be compiled says it behind its first eight bytes.
#include "base/clock.h"
#include "base/file.h"
#include "executor/wire.h"
#include "sandbox/slot_keeper.h"
#include "wasm/engine.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void say(int sock, struct job_answer a, size_t bytes) {
    static const uint8_t more[4096];
    (void)!file_write_all(sock, slice_of(&a, sizeof a), NULL);
    (void)!file_write_all(sock, slice_of(more, bytes), NULL);
}

static struct meter_page *page_of(int fd) {
    struct meter_page *page = mmap(NULL, ENGINE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return page == MAP_FAILED ? NULL : page;
}

// Runs before it says that it begins, so that its word and its answer are there at once; "dated" tells the true times,
// "misdated" such as cannot be.
static void run_unseen(struct meter_page *page, const char *verb) {
    bool true_times = strcmp(verb, "dated") == 0;
    if (!page || (!true_times && strcmp(verb, "misdated") != 0))
        return;
    page->began_us = true_times ? clock_mono_us() : 1;
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    page->ended_us = clock_mono_us() + (true_times ? 0 : 3600000000);
}

// Dies after 300 ms that it dates, as a true one does: who reads its word late knows how long it took all the same.
static void wither(struct meter_page *page) {
    if (page)
        page->began_us = clock_mono_us();
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    if (page)
        page->ended_us = clock_mono_us();
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

// The ends that a verb names; returns where the process shall end by itself.
static void misbehave(const char *verb, int sock, struct meter_page *page) {
    if (strcmp(verb, "abort") == 0)
        abort();
    for (int i = 1; i < 32; i++) { // "signal11"
        char name[16];
        snprintf(name, sizeof name, "signal%d", i);
        if (strcmp(verb, name) == 0) {
            signal(i, SIG_DFL); // whatever a sanitizer does with it
            raise(i);
        }
    }
    if (strcmp(verb, "exit3") == 0)
        _exit(3);
    if (strcmp(verb, "torn") == 0)
        (void)!file_write_all(sock, slice_of("half an answer", 14), NULL);
    if (strcmp(verb, "deaf") == 0 || strcmp(verb, "forever") == 0) {
        if (verb[0] == 'd')
            close(sock);
        for (;;)
            pause();
    }
    if (strcmp(verb, "long") == 0)
        say(sock, (struct job_answer){.output_len = 1ull << 40}, 0);
    if (strcmp(verb, "short") == 0)
        say(sock, (struct job_answer){.output_len = 100}, 50);
    if (strcmp(verb, "unknown") == 0)
        say(sock, (struct job_answer){.end = 77}, 0);
    if (strcmp(verb, "stale") == 0)
        say(sock, (struct job_answer){.end = ENGINE_STALE}, 0);
    if (strcmp(verb, "wither") == 0)
        wither(page);
    if (strcmp(verb, "slow") == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
        say(sock, (struct job_answer){.end = ENGINE_RETURNED}, 0);
    }
}

static bool is_there(const char *file) {
    struct stat st;
    int fd;
    if (stat(file, &st) == 0)
        return true;
    fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return false;
}

static int lie(void *unused, int sock) {
    int fds[JOB_FDS];
    struct slot_job job;
    struct err e;
    (void)unused;
    char text[512] = "", verb[32] = "ok", file[256] = "";
    long long count = -1;
    if (!wire_receive_job(sock, &job, fds, &e))
        return 0;
    off_t from = job.kind == JOB_COMPILE ? 8 : 0;
    if (pread(fds[JOB_FD_INPUT], text, sizeof text - 1, from) > 0)
        sscanf(text, "%31s %lld %255s", verb, &count, file);
    bool good = file[0] && is_there(file);
    if (!good && strcmp(verb, "early") == 0)
        return 5;
    if (strcmp(verb, "tardy") == 0)
        nanosleep(&(struct timespec){1, 500000000}, NULL);
    struct meter_page *page = page_of(fds[JOB_FD_PAGE]);
    run_unseen(page, verb);
    if (!file_write_all(sock, slice_of(&(uint8_t){JOB_BEGUN}, 1), &e))
        return 1;
    if (page && job.kind == JOB_RUN && count >= 0)
        page->reserve -= count;
    if (!good)
        misbehave(verb, sock, page);
    if (good || strcmp(verb, "ok") == 0 || strcmp(verb, "tardy") == 0 || strstr(verb, "dated"))
        say(sock, (struct job_answer){.output_len = 4}, 4);
    return 0;
}

int main(int argc, char **argv) { return argc == 2 ? slot_keep_loose(argv[1][0] - '0', lie, NULL) : 2; }
