// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_price.h"

#include "base/file.h"
#include "crypto/hash.h"
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define HEAD_MAX 8192
#define TURN_S 10 // a client that is slower is left
#define DAYS 2

struct price_server {
    SSL_CTX *tls;
    int listener, stop;
    bool started;
    pthread_t thread;
    char price[16], url[64], allow[32];
};

// --- the certificate: of itself, so that it is its own authority

static bool add_extension(X509 *x, int kind, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, &ctx, kind, value);
    bool ok = one && X509_add_ext(x, one, -1) == 1;
    X509_EXTENSION_free(one);
    return ok;
}

static X509 *make_certificate(EVP_PKEY *key) {
    X509 *x = X509_new();
    X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
    bool ok =
        name && X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
        X509_gmtime_adj(X509_getm_notBefore(x), -3600) && X509_gmtime_adj(X509_getm_notAfter(x), DAYS * 86400L) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"price API of the demo", -1, -1, 0) &&
        X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) &&
        add_extension(x, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost") && X509_sign(x, key, EVP_sha256()) > 0;
    if (ok)
        return x;
    X509_free(x);
    return NULL;
}

static bool write_certificate(X509 *x, const char *path, struct err *e) {
    BIO *b = BIO_new(BIO_s_mem());
    char *text;
    bool ok = b && PEM_write_bio_X509(b, x) == 1;
    long n = ok ? BIO_get_mem_data(b, &text) : 0;
    ok = ok ? file_write_atomic(path, slice_of(text, (size_t)n), 0644, e)
            : err_set(e, ERR_INTERNAL, "cannot write a certificate");
    BIO_free(b);
    return ok;
}

static bool open_tls(struct price_server *s, const char *ca_file, struct err *e) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = key ? make_certificate(key) : NULL;
    s->tls = SSL_CTX_new(TLS_server_method());
    bool ok = (x && s->tls && SSL_CTX_use_certificate(s->tls, x) == 1 && SSL_CTX_use_PrivateKey(s->tls, key) == 1) ||
              err_set(e, ERR_INTERNAL, "cannot make a certificate");
    ok = ok && write_certificate(x, ca_file, e);
    X509_free(x);
    EVP_PKEY_free(key);
    return ok;
}

// --- serving

static void answer(struct price_server *s, SSL *tls) {
    char head[HEAD_MAX + 1], body[64], text[256];
    int n = 0, got = 1;
    for (head[0] = 0; got > 0 && n < HEAD_MAX && !strstr(head, "\r\n\r\n"); n += got > 0 ? got : 0) {
        got = SSL_read(tls, head + n, HEAD_MAX - n);
        head[got > 0 ? n + got : n] = 0;
    }
    bool known = strncmp(head, "GET /price?of=near ", 19) == 0;
    snprintf(body, sizeof body, known ? "{\"near\":{\"usd\":%s}}" : "{}", s->price);
    int len =
        snprintf(text, sizeof text,
                 "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                 known ? "200 OK" : "404 Not Found", strlen(body), body);
    if (got > 0 && SSL_write(tls, text, len) == len)
        SSL_shutdown(tls);
}

static void serve_one(struct price_server *s, int fd) {
    struct timeval turn = {.tv_sec = TURN_S};
    SSL *tls = SSL_new(s->tls);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &turn, sizeof turn);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &turn, sizeof turn);
    if (tls && SSL_set_fd(tls, fd) == 1 && SSL_accept(tls) == 1)
        answer(s, tls);
    SSL_free(tls);
    close(fd);
}

static void *serve(void *arg) {
    struct price_server *s = arg;
    struct pollfd f[2] = {{.fd = s->listener, .events = POLLIN}, {.fd = s->stop, .events = POLLIN}};
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE); // of a client that has left, by OpenSSL's write
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    while (poll(f, 2, -1) > 0 && !f[1].revents) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve_one(s, fd);
    }
    return NULL;
}

static bool open_port(struct price_server *s, struct err *e) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s->stop = eventfd(0, EFD_CLOEXEC);
    if (s->listener < 0 || s->stop < 0 || bind(s->listener, (void *)&in, sizeof in) != 0 ||
        listen(s->listener, 16) != 0 || getsockname(s->listener, (void *)&in, &len) != 0)
        return err_errno(e, "cannot serve on this machine's loopback");
    snprintf(s->allow, sizeof s->allow, "127.0.0.1:%u", ntohs(in.sin_port));
    snprintf(s->url, sizeof s->url, "https://%s/price?of=near", s->allow);
    return true;
}

bool price_start(struct price_server **out, const char *ca_file, struct err *e) {
    struct price_server *s = xcalloc(1, sizeof *s);
    uint8_t cents[2];
    random_bytes(cents, sizeof cents); // a new one each time: nobody can know it without asking
    snprintf(s->price, sizeof s->price, "%u.%02u", 1 + cents[0] % 9, 1 + cents[1] % 99);
    s->listener = s->stop = -1;
    bool ok = open_tls(s, ca_file, e) && open_port(s, e);
    if (ok && (errno = pthread_create(&s->thread, NULL, serve, s)) != 0)
        ok = err_errno(e, "cannot start a thread");
    s->started = ok;
    *out = ok ? s : NULL;
    if (!ok)
        price_stop(s);
    return ok;
}

void price_stop(struct price_server *s) {
    uint64_t one = 1;
    if (!s)
        return;
    if (s->started && write(s->stop, &one, sizeof one) == sizeof one)
        pthread_join(s->thread, NULL);
    if (s->listener >= 0)
        close(s->listener);
    if (s->stop >= 0)
        close(s->stop);
    SSL_CTX_free(s->tls);
    free(s);
}

const char *price_url(const struct price_server *s) { return s->url; }
const char *price_allow(const struct price_server *s) { return s->allow; }
const char *price_now(const struct price_server *s) { return s->price; }
