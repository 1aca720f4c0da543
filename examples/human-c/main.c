// SPDX-License-Identifier: Apache-2.0
// Waits for a person: asks a desk, such as one that shows people a captcha or a document, until somebody has answered
// there, and hands the answer on.
//   input    the desk's address, https://desk.example/answers
//   output   what the person answered, a text
// It asks DESK?request=CONTRACT/ID. The two names are this request's alone, so a desk shows one question to one person,
// however often the program is started. 200 is the answer, 202 and 404 mean that nobody has answered yet.
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ADDRESS_MAX 1024
#define ANSWER_MAX 4096
#define PAUSE_SECONDS 1
#define SPARE_SECONDS 3 // for the last question, and for saying that nobody came

static _Noreturn void stop(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

// Of the wall time that this run has.
static long seconds_to_wait(void) {
    const char *text = getenv("NEAR_MAX_EXECUTION_SECONDS");
    long all = text ? atol(text) : 0;
    return all > SPARE_SECONDS ? all - SPARE_SECONDS : 0;
}

static const char *name_of_request(void) {
    static char name[256];
    const char *contract = getenv("NEAR_CONTRACT_ID"), *id = getenv("NEAR_REQUEST_ID");
    snprintf(name, sizeof name, "%s/%s", contract ? contract : "here", id ? id : "0"); // `outlayer run` has neither
    return name;
}

int main(void) {
    static char desk[ADDRESS_MAX + 1], url[ADDRESS_MAX + 512];
    struct http_answer answer;
    struct timespec now, end;
    size_t len = fread(desk, 1, sizeof desk, stdin);
    desk[len > ADDRESS_MAX ? ADDRESS_MAX : strcspn(desk, " \r\n")] = 0;
    if (len > ADDRESS_MAX || strncmp(desk, "http", 4) != 0)
        stop("the input is no address of a desk", "https://desk.example/answers");
    snprintf(url, sizeof url, "%s?request=%s", desk, name_of_request());
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds_to_wait();
    for (;;) {
        if (!http_get(url, ANSWER_MAX, &answer))
            stop(url, answer.error);
        if (answer.status == 200)
            break;
        free(answer.body);
        if (answer.status != 202 && answer.status != 404)
            stop(url, "the desk answers with a status that is neither 200 nor 202 nor 404");
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec >= end.tv_sec)
            stop(url, "nobody has answered in time");
        sleep(PAUSE_SECONDS);
    }
    fputs(answer.body, stdout);
    return 0;
}
