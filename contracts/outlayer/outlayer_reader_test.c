// SPDX-License-Identifier: Apache-2.0
// What the contract takes is served: random requests, and of each that is taken the event and the view are given to the
// readers of coordinator and worker (tests/contracts/request_reader.c). If this fails, somebody pays for a request that
// nobody can read. A failure shows the request; SEED=… in the environment gives another sequence.
#include "kit/kit.h"

#include <libgen.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUESTS 5000
#define ARGS_MAX 65536

static uint64_t seed = 88172645463325252ull;
static uint64_t dice(uint64_t n) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % n;
}

static char args[ARGS_MAX];
static size_t len;
__attribute__((format(printf, 1, 2))) static void add(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    len += (size_t)vsnprintf(args + len, sizeof args - len, fmt, ap);
    va_end(ap);
    assert_true(len < sizeof args);
}

// Any character that a JSON text can hold, in one of the ways in which it can stand there.
static void add_character(void) {
    static const char *const pieces[] = {"\\\"", "\\\\",           "\\/", "\\n", "\\t", "\\b", "ü", "€",
                                         "😀",    "\\ud83d\\ude00", "\x7f"};
    switch (dice(4)) {
    case 0: add("%s", pieces[dice(ARRAY_LEN(pieces))]); break;
    case 1: add("\\u%04x", (unsigned)(1 + dice(0xd7ff))); break;
    case 2: add("\\u%04x", (unsigned)(1 + dice(31))); break;
    default: add("%c", "abcXYZ019 .,:;{}[]()"[dice(20)]); break;
    }
}

static void add_text(const char *name, size_t most) {
    add(",\"%s\":\"", name);
    for (size_t n = dice(most); n; n--)
        add_character();
    add("\"");
}

// Names of repositories, refs and targets: one in eight is anything visible, the others could be one.
static void add_name(const char *name, size_t most, const char *separators) {
    bool wild = !dice(8);
    add("\"%s\":\"", name);
    size_t from = len, want = 1 + dice(most - 8);
    while (len - from < want) {
        char c = wild ? (char)('!' + dice('~' - '!' + 1)) : "abcdeXYZ0189"[dice(12)];
        add("%c", c == '"' || c == '\\' ? 'x' : c);
        if (!wild && !dice(6))
            add("%c%c", separators[dice(strlen(separators))], "az09"[dice(4)]);
        if (!wild && *separators == '#' && !dice(20))
            add("%s", dice(2) ? "ä" : "€");
    }
    add("\"");
}

static void add_source(void) {
    add("\"code_source\":{");
    add_name("repo", dice(2) ? 256 : 20, "./-_");
    add(",");
    add_name("commit", 255, "#/.-_@(),=");
    switch (dice(4)) {
    case 0: break;
    case 1: add(",\"build_target\":null"); break;
    case 2: add(",\"build_target\":\"wasm32-wasip2\""); break;
    default: add(","), add_name("build_target", 64, "-_."); break;
    }
    add(",\"unknown\":[1,{}]}");
}

static void add_limit(const char *name, uint64_t most) {
    if (!dice(3))
        return;
    if (dice(4))
        add("\"%s\":%llu,", name, (unsigned long long)(1 + dice(most)));
    else
        add("\"%s\":null,", name);
}

static void add_limits(void) {
    switch (dice(4)) {
    case 0: return;
    case 1: add(",\"resource_limits\":null"); return;
    default: break;
    }
    add(",\"resource_limits\":{");
    add_limit("max_instructions", 100000000000ull);
    add_limit("max_memory_mb", 1024);
    add_limit("max_execution_seconds", 60);
    add("\"unknown\":null}");
}

static void add_rest(void) {
    static const char *const formats[] = {"\"Bytes\"", "\"Text\"", "\"Json\"", "{\"Json\":null}", "null"};
    if (dice(4))
        add_text("input_data", dice(10) ? 100 : 3000);
    if (dice(2))
        add(",\"response_format\":%s", formats[dice(ARRAY_LEN(formats))]);
    if (!dice(3))
        add(",\"secrets_ref\":{\"profile\":\"prod-%u\",\"account_id\":\"%s.near\"}", (unsigned)dice(99),
            dice(2) ? "owner" : "a-b_c.d");
    else if (dice(2))
        add(",\"secrets_ref\":null");
    if (dice(2))
        add(",\"payer_account_id\":%s", dice(2) ? "\"payer.near\"" : "null");
    if (dice(2))
        add(",\"result_envelope\":%s", dice(2) ? "true" : "null");
}

// The event's line and the view's; false: the contract refused the request.
static bool ask(FILE *to) {
    static const char *const senders[] = {ALICE, "bob.near",
                                          "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
    char id[64];
    len = 0;
    add("{");
    add_source();
    add_limits();
    add_rest();
    add("}");
    if (mock.yield_count == MOCK_MAX)
        deployed(NULL);
    if (!mock_call("request_execution", senders[dice(ARRAY_LEN(senders))], dice(8) ? NEAR : NEAR / 500, args))
        return false;
    const char *log = mock_log("EVENT_JSON:");
    assert_non_null(log);
    fprintf(to, "%s\n", log);
    snprintf(id, sizeof id, "{\"request_id\":%zu}", mock.yield_count - 1);
    assert_true(mock_view("get_request", id));
    fprintf(to, "%.*s\n", (int)mock.value_len, mock.value);
    return true;
}

// Runs the readers on what was written; what they say stands in the test's output.
static bool reads(FILE *lines) {
    char exe[4096], program[4200];
    int status = -1;
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    assert_true(n > 0);
    exe[n] = 0;
    snprintf(program, sizeof program, "%s/../help/request-reader", dirname(exe));
    rewind(lines);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fileno(lines), STDIN_FILENO);
        execl(program, program, NULL);
        _exit(127);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_taken_is_read(void **state) {
    (void)state;
    FILE *lines = tmpfile();
    assert_non_null(lines);
    size_t taken = 0, tried = 0;
    while (taken < REQUESTS && ++tried < 8 * REQUESTS)
        taken += ask(lines);
    assert_int_equal(taken, REQUESTS);
    assert_true(tried > taken); // some ask for too much, or pay too little
    assert_true(reads(lines));
    fprintf(lines, "EVENT_JSON:{}\n{}\n"); // and the readers do look
    assert_false(reads(lines));
    fclose(lines);
}

int main(void) {
    const char *given = getenv("SEED");
    if (given)
        seed = strtoull(given, NULL, 10);
    const struct CMUnitTest tests[] = {TEST(test_taken_is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
