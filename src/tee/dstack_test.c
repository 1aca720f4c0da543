// SPDX-License-Identifier: Apache-2.0
// The guest agent stands between a worker and its quote, and the machine's host can put anything in its place. If these
// fail, a worker hangs with its agent, takes somebody else's quote for its own, or does not find an agent that is
// there.
#include "base/test.h"

#include "base/buf.h"
#include "base/file.h"
#include "codec/hex.h"
#include "tee/dstack.h"
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

// --- an agent that does what its table says

struct row {
    const char *path, *status, *body; // body NULL: it never answers; "QUOTE": as an agent that works
};
struct agent {
    const struct row *rows;
    size_t count;
    char path[100];
    int fd;
    pthread_t thread;
    char last_body[512]; // what was asked last
    uint8_t lie;         // changes the report data of its quotes
    sem_t asked;
};

static void send_answer(int fd, const char *status, const char *body) {
    struct err e;
    SCOPED_BUF(out, 1u << 20);
    buf_printf(&out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status, strlen(body));
    buf_add_str(&out, body);
    (void)file_write_all(fd, buf_slice(&out), &e); // the client may have gone
}

// A real TDX quote of version 4 with these report data in it.
static void send_quote(struct agent *g, int fd) {
    SCOPED_ARENA(a);
    const char *hex = strstr(g->last_body, "\"report_data\":\"");
    struct slice real = {0};
    struct err e;
    assert_ok(file_read(a, "tests/vectors/dcap/dstack_sim055.quote.bin", 1 << 20, &real, &e), &e);
    uint8_t *quote = arena_alloc(a, real.len);
    memcpy(quote, real.ptr, real.len);
    assert_non_null(hex);
    assert_ok(hex_decode_exact(quote + 568, 64, slice_of(hex + 15, 128), &e), &e);
    quote[568 + 63] ^= g->lie;
    send_answer(fd, "200 OK",
                arena_printf(a, "{\"quote\":\"%s\",\"event_log\":\"[]\",\"report_data\":\"00\"}",
                             hex_text(a, slice_of(quote, real.len))));
}

static void serve(struct agent *g, int fd) {
    char text[2048] = "", path[128];
    size_t n = 0;
    ssize_t got;
    const char *body = NULL;
    while (n < sizeof text - 1 && (got = read(fd, text + n, sizeof text - 1 - n)) > 0) {
        n += (size_t)got;
        text[n] = 0;
        body = strstr(text, "\r\n\r\n");
        if (body && body[4] && strchr(body, '}'))
            break;
    }
    if (!body || sscanf(text, "POST %127s", path) != 1)
        return;
    snprintf(g->last_body, sizeof g->last_body, "%s", body + 4);
    sem_post(&g->asked);
    for (size_t i = 0; i < g->count; i++) {
        if (strcmp(g->rows[i].path, path) != 0)
            continue;
        if (!g->rows[i].body)
            (void)!read(fd, text, 1); // until the client gives up
        else if (strcmp(g->rows[i].body, "QUOTE") == 0)
            send_quote(g, fd);
        else
            send_answer(fd, g->rows[i].status, g->rows[i].body);
        return;
    }
    send_answer(fd, "404 Not Found", "{\"error\":\"no such method\"}");
}

static void *run(void *arg) {
    struct agent *g = arg;
    for (int fd; (fd = accept(g->fd, NULL, NULL)) >= 0; close(fd))
        serve(g, fd);
    return NULL;
}

static void agent_start(struct agent *g, const char *path, const struct row *rows, size_t count) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    g->rows = rows;
    g->count = count;
    snprintf(g->path, sizeof g->path, "%s", path);
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    g->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(g->fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_return_code(listen(g->fd, 8), 0);
    sem_init(&g->asked, 0, 0);
    assert_int_equal(pthread_create(&g->thread, NULL, run, g), 0);
}

static void agent_stop(struct agent *g) {
    shutdown(g->fd, SHUT_RDWR);
    pthread_join(g->thread, NULL);
    close(g->fd);
    unlink(g->path);
}

// --- tests

struct place {
    struct arena *a;
    char root[64];
};

static int set_up(void **state) {
    static struct place p;
    p.a = arena_new();
    signal(SIGPIPE, SIG_IGN); // a client may go while the agent writes
    snprintf(p.root, sizeof p.root, "/tmp/dstack-test-XXXXXX");
    assert_non_null(mkdtemp(p.root));
    *state = &p;
    return 0;
}

static int tear_down(void **state) {
    struct place *p = *state;
    struct err e;
    assert_ok(file_remove_tree(p->root, &e), &e);
    arena_free(p->a);
    return 0;
}

static const char *socket_of(struct place *p, const char *path) {
    struct err e;
    const char *full = arena_printf(p->a, "%s%s", p->root, path);
    char *folder = arena_strdup(p->a, full);
    *strrchr(folder, '/') = 0;
    assert_ok(file_make_dirs(folder, 0700, &e), &e);
    return full;
}

static const struct row guest_058[] = {
    {"/Version", "200 OK", "{\"version\":\"0.5.8\",\"rev\":\"abc\"}"},
    {"/Info", "200 OK", "{\"app_id\":\"aa\",\"instance_id\":\"bb\",\"app_name\":\"worker\",\"tcb_info\":\"{}\"}"},
    {"/GetQuote", "200 OK", "QUOTE"}};
static const struct row guest_050[] = {{"/Info", "200 OK", "{\"app_id\":\"aa\"}"}, {"/GetQuote", "200 OK", "QUOTE"}};
static const struct row tappd_03[] = {{"/prpc/Tappd.Info", "200 OK", "{\"app_id\":\"aa\"}"},
                                      {"/prpc/Tappd.TdxQuote", "200 OK", "QUOTE"}};

static struct report_data counting(void) {
    struct report_data d;
    for (size_t i = 0; i < sizeof d.b; i++)
        d.b[i] = (uint8_t)i;
    return d;
}

static void quote_comes(struct place *p, struct dstack *d) {
    struct report_data data = counting();
    struct dstack_quote quote;
    struct td_view td;
    struct err e;
    assert_ok(dstack_quote(d, p->a, &data, &quote, &td, &e), &e);
    assert_int_equal(quote.quote.len, 5006);
    assert_string_equal(quote.event_log, "[]");
}

// Every version is found in its place and asked in its own way.
static void families(void **state) {
    struct place *p = *state;
    static const struct {
        const struct row *rows;
        size_t count;
        const char *path, *name;
        enum dstack_family family;
    } cases[] = {
        {guest_058, 3, "/var/run/dstack.sock", "dstack 0.5.8 at ", DSTACK_GUEST},
        {guest_058, 3, "/run/dstack/dstack.sock", "dstack 0.5.8 at ", DSTACK_GUEST},
        {guest_050, 2, "/run/dstack.sock", "dstack 0.5 at ", DSTACK_GUEST},
        {tappd_03, 2, "/var/run/tappd.sock", "dstack 0.3 or 0.4 at ", DSTACK_TAPPD},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct agent g = {0};
        struct dstack d;
        struct err e;
        agent_start(&g, socket_of(p, cases[i].path), cases[i].rows, cases[i].count);
        assert_ok(dstack_open(&d, p->a, &(struct dstack_where){.root = p->root}, &e), &e);
        assert_int_equal(d.family, cases[i].family);
        assert_string_equal(d.endpoint, g.path);
        assert_memory_equal(dstack_name(&d, p->a), cases[i].name, strlen(cases[i].name));
        quote_comes(p, &d);
        assert_true(!!strstr(g.last_body, "\"hash_algorithm\":\"raw\"") == (d.family == DSTACK_TAPPD));
        dstack_close(&d);
        agent_stop(&g);
    }
}

// A named endpoint is the only one that counts, whatever else is there; both families are tried on it.
static void named(void **state) {
    struct place *p = *state;
    struct agent usual = {0}, other = {0};
    struct dstack d;
    struct dstack_info info;
    struct err e;
    agent_start(&usual, socket_of(p, "/var/run/dstack.sock"), guest_058, 3);
    agent_start(&other, socket_of(p, "/other.sock"), tappd_03, 2);
    struct dstack_where where = {.root = p->root, .endpoint = other.path};
    assert_ok(dstack_open(&d, p->a, &where, &e), &e);
    assert_int_equal(d.family, DSTACK_TAPPD);
    quote_comes(p, &d);
    dstack_close(&d);
    agent_stop(&other);
    assert_err(dstack_open(&d, p->a, &where, &e), &e, ERR_UNAVAILABLE, "/other.sock");
    where.endpoint = "";
    assert_ok(dstack_open(&d, p->a, &where, &e), &e);
    assert_ok(dstack_ask_info(&d, p->a, &info, &e), &e);
    assert_string_equal(info.app_name, "worker");
    dstack_close(&d);
    agent_stop(&usual);
}

// A socket that a dead agent left does not hide one that lives.
static void gone(void **state) {
    struct place *p = *state;
    struct agent dead = {0}, living = {0};
    struct dstack d;
    struct err e = {0};
    struct dstack_where where = {.root = p->root};
    assert_err(dstack_open(&d, p->a, &where, &e), &e, ERR_UNAVAILABLE, "no guest agent of dstack on this machine");
    assert_true(e.hint[0]);
    agent_start(&dead, socket_of(p, "/var/run/dstack.sock"), guest_058, 3);
    shutdown(dead.fd, SHUT_RDWR);
    pthread_join(dead.thread, NULL);
    close(dead.fd);
    assert_err(dstack_open(&d, p->a, &where, &e), &e, ERR_UNAVAILABLE, "/var/run/dstack.sock");
    agent_start(&living, socket_of(p, "/run/dstack/dstack.sock"), guest_058, 3);
    assert_ok(dstack_open(&d, p->a, &where, &e), &e);
    assert_string_equal(d.endpoint, living.path);
    dstack_close(&d);
    agent_stop(&living);
}

static void no_agent(void **state) {
    struct place *p = *state;
    static const struct row web[] = {{"/Version", "200 OK", "<html>"}, {"/Info", "200 OK", "{}"}};
    struct agent g = {0};
    struct dstack d;
    struct err e = {0};
    agent_start(&g, socket_of(p, "/run/dstack.sock"), web, 2);
    assert_err(dstack_open(&d, p->a, &(struct dstack_where){.root = p->root}, &e), &e, ERR_UNAVAILABLE,
               "is no guest agent of dstack");
    agent_stop(&g);
}

// The quote is for what was asked, or it is none: an agent that serves two callers may mix them up.
static void other_report_data(void **state) {
    struct place *p = *state;
    struct agent g = {.lie = 1};
    struct dstack d;
    struct dstack_quote quote;
    struct td_view td;
    struct report_data data = counting();
    struct err e = {0};
    agent_start(&g, socket_of(p, "/run/dstack.sock"), guest_058, 3);
    assert_ok(dstack_open(&d, p->a, &(struct dstack_where){.root = p->root}, &e), &e);
    assert_err(dstack_quote(&d, p->a, &data, &quote, &td, &e), &e, ERR_CORRUPT, "other report data than was asked for");
    dstack_close(&d);
    agent_stop(&g);
}

static void refusals(void **state) {
    struct place *p = *state;
    static const struct {
        const char *status, *body;
        enum err_code code;
        const char *text;
    } cases[] = {
        {"500 Internal Server Error", "{\"error\":\"Failed to get quote: Device or resource busy (os error 16)\"}",
         ERR_UNAVAILABLE, "status 500: Failed to get quote: Device or resource busy"},
        {"400 Bad Request", "no JSON", ERR_UNAVAILABLE, "answered status 400"},
        {"200 OK", "{\"error\":\"busy\"}", ERR_UNAVAILABLE, "the guest agent says: busy"},
        {"200 OK", "{\"quote\":\"\",\"event_log\":\"\",\"attestation\":\"00\"}", ERR_UNAVAILABLE, "gives no TDX quote"},
        {"200 OK", "{\"attestation\":\"00\"}", ERR_UNAVAILABLE, "gives no TDX quote"},
        {"200 OK", "{\"quote\":\"zz\"}", ERR_CORRUPT, "the guest agent's quote"},
        {"200 OK", "{\"quote\":7}", ERR_CORRUPT, "field 'quote'"},
        {"200 OK", "{\"quote\":\"0400020081000000\"}", ERR_CORRUPT, "no TDX quote"},
        {"200 OK", "[]", ERR_CORRUPT, "no JSON object"},
        {"200 OK", "", ERR_CORRUPT, "no JSON object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct row rows[] = {guest_058[0], {"/GetQuote", cases[i].status, cases[i].body}};
        struct agent g = {0};
        struct dstack d;
        struct dstack_quote quote;
        struct td_view td;
        struct report_data data = counting();
        struct err e = {0};
        agent_start(&g, socket_of(p, "/run/dstack.sock"), rows, 2);
        assert_ok(dstack_open(&d, p->a, &(struct dstack_where){.root = p->root}, &e), &e);
        assert_err(dstack_quote(&d, p->a, &data, &quote, &td, &e), &e, cases[i].code, cases[i].text);
        dstack_close(&d);
        agent_stop(&g);
    }
}

// An answer has a bound: an agent cannot fill the memory of who asks it.
static void too_large(void **state) {
    struct place *p = *state;
    char *body = arena_alloc(p->a, DSTACK_ANSWER_MAX + 2);
    memset(body, ' ', DSTACK_ANSWER_MAX + 1);
    body[DSTACK_ANSWER_MAX + 1] = 0;
    const struct row rows[] = {guest_058[0], {"/GetQuote", "200 OK", body}};
    struct agent g = {0};
    struct dstack d;
    struct dstack_quote quote;
    struct td_view td;
    struct report_data data = counting();
    struct err e = {0};
    agent_start(&g, socket_of(p, "/run/dstack.sock"), rows, 2);
    assert_ok(dstack_open(&d, p->a, &(struct dstack_where){.root = p->root}, &e), &e);
    assert_err(dstack_quote(&d, p->a, &data, &quote, &td, &e), &e, ERR_CORRUPT, "larger than 262144 bytes");
    dstack_close(&d);
    agent_stop(&g);
}

struct stopper {
    struct agent *g;
    atomic_bool *cancel;
};
static void *stop_when_asked(void *arg) {
    struct stopper *s = arg;
    sem_wait(&s->g->asked);
    *s->cancel = true;
    return NULL;
}

// Who stops a worker does not wait for an agent that is silent.
static void silent(void **state) {
    struct place *p = *state;
    const struct row rows[] = {guest_058[0], {"/GetQuote", NULL, NULL}};
    struct agent g = {0};
    struct dstack d;
    struct dstack_quote quote;
    struct td_view td;
    struct report_data data = counting();
    struct err e = {0};
    atomic_bool cancel = false;
    pthread_t thread;
    agent_start(&g, socket_of(p, "/run/dstack.sock"), rows, 2);
    assert_ok(dstack_open(&d, p->a, &(struct dstack_where){.root = p->root, .cancel = &cancel}, &e), &e);
    sem_wait(&g.asked); // Version
    pthread_create(&thread, NULL, stop_when_asked, &(struct stopper){&g, &cancel});
    assert_err(dstack_quote(&d, p->a, &data, &quote, &td, &e), &e, ERR_UNAVAILABLE, "given up: stopping");
    pthread_join(thread, NULL);
    dstack_close(&d);
    agent_stop(&g);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(families, set_up, tear_down),
    cmocka_unit_test_setup_teardown(named, set_up, tear_down),
    cmocka_unit_test_setup_teardown(gone, set_up, tear_down),
    cmocka_unit_test_setup_teardown(no_agent, set_up, tear_down),
    cmocka_unit_test_setup_teardown(other_report_data, set_up, tear_down),
    cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
    cmocka_unit_test_setup_teardown(too_large, set_up, tear_down),
    cmocka_unit_test_setup_teardown(silent, set_up, tear_down),
};
RUN_TESTS(tests)
