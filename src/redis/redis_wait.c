// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "redis/redis_internal.h"
#include <poll.h>
#include <signal.h>

void event_raise(int fd) {
    const uint64_t one = 1;
    (void)!write(fd, &one, sizeof one);
}

void event_clear(int fd) {
    uint64_t n;
    (void)!read(fd, &n, sizeof n);
}

bool event_is_raised(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

void redis_thread_init(void) {
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
}

uint64_t reconnect_pause(int stop_fd, uint64_t began_ms, uint64_t pause_ms) {
    struct pollfd p = {.fd = stop_fd, .events = POLLIN};
    if (clock_mono_ms() > began_ms + RECONNECT_MAX_MS)
        pause_ms = RECONNECT_MIN_MS;
    poll(&p, 1, (int)pause_ms);
    return pause_ms * 2 < RECONNECT_MAX_MS ? pause_ms * 2 : RECONNECT_MAX_MS;
}
