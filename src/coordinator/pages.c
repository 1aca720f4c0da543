// SPDX-License-Identifier: Apache-2.0
#include "coordinator/pages.h"

#include "http/tags.h"

#include "base/file.h"
#include "codec/hex.h"
#include "crypto/hash.h"
#include <dirent.h>
#include <errno.h>

#define ETAG_MAX 40
#define NONCE_MARK "@NONCE@"
#define NONCE_BYTES 18

struct page_form { // the bytes as they are, or compressed; len 0: there is no such form
    struct slice bytes;
    char etag[ETAG_MAX];
};

struct page {
    const char *name, *type;
    bool fixed; // its name has the hash of what it holds
    struct page_form plain, gzip;
};

struct pages {
    struct arena *arena;
    const char *what; // of the files, for errors
    struct page *list;
    size_t count, bytes;
    const char *asked;                // what pages may ask beside the coordinator, each behind a blank
    const char *policy, *wasm_policy; // the second: may run WebAssembly
    const char *opener;               // what windows that a page opens may know of it
    struct slice before, after;       // the nonce of wallet.html; both empty: wallets are not offered
};

// --- reading -----------------------------------------------------------------------------------------------------

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".wasm", "application/wasm"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/markdown; charset=utf-8"},
};

static bool ends_with(const char *name, const char *ending) {
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcmp(name + n - m, ending) == 0;
}

static const char *type_of(const char *name) {
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (ends_with(name, types[i].ending))
            return types[i].type;
    return NULL;
}

static bool read_form(struct pages *p, struct page_form *out, const char *path, const char *mark, struct err *e) {
    char hex[65];
    if (!file_read(p->arena, path, PAGES_BYTES_MAX - p->bytes, &out->bytes, e))
        return err_wrap(e, "the files of %s (%u bytes at most)", p->what, PAGES_BYTES_MAX);
    p->bytes += out->bytes.len;
    struct hash hash = sha256(out->bytes);
    snprintf(out->etag, sizeof out->etag, "\"%.24s%s\"", hash_hex(&hash, hex), mark);
    return true;
}

static bool add_page(struct pages *p, const char *folder, const char *name, const char *type, struct err *e) {
    const char *path = arena_printf(p->arena, "%s/%s", folder, name);
    const char *compressed = arena_printf(p->arena, "%s.gz", path);
    if (p->count == PAGES_FILES_MAX)
        return err_set(e, ERR_TOO_LARGE, "%s has more than %d files", p->what, PAGES_FILES_MAX);
    struct page *page = &p->list[p->count++];
    *page = (struct page){.name = name, .type = type, .fixed = strncmp(name, "assets/", 7) == 0};
    return read_form(p, &page->plain, path, "", e) &&
           (access(compressed, F_OK) != 0 || read_form(p, &page->gzip, compressed, "-gz", e));
}

// Of one folder: what has a type that pages are made of.
static bool add_pages(struct pages *p, const char *folder, const char *below, struct err *e) {
    const char *path = arena_printf(p->arena, "%s/%s", folder, below);
    DIR *d = opendir(path);
    bool ok = d || (below[0] && errno == ENOENT) || err_errno(e, "cannot read the folder '%s' of %s", path, p->what);
    for (struct dirent *entry; d && ok && (entry = readdir(d));) {
        const char *type = type_of(entry->d_name);
        if (type && entry->d_name[0] != '.')
            ok = add_page(p, folder, arena_printf(p->arena, "%s%s", below, entry->d_name), type, e);
    }
    if (d)
        closedir(d);
    return ok;
}

static const struct page *page_named(const struct pages *p, const char *name) {
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->list[i].name, name) == 0)
            return &p->list[i];
    return NULL;
}

static bool add_asked(struct buf *list, const char *commas, struct err *e) {
    for (const char *at = commas ? commas : ""; *at; at += strcspn(at, ","), at += *at == ',') {
        struct slice one = slice_trim(slice_of(at, strcspn(at, ",")));
        if (!slice_starts(one, SLICE_LIT("http://")) && !slice_starts(one, SLICE_LIT("https://")))
            return err_set(e, ERR_SETTINGS, "a page may ask http:// and https:// addresses, not '%.*s'",
                           SLICE_FMT(one));
        for (size_t i = 0; i < one.len; i++)
            if (one.ptr[i] <= ' ' || one.ptr[i] >= 127 || strchr(";,'\"@?#", one.ptr[i]))
                return err_set(e, ERR_SETTINGS, "'%.*s' is no address for a page's policy", SLICE_FMT(one));
        buf_add_byte(list, ' ');
        buf_add_slice(list, one);
    }
    return true;
}

static const char *policy_text(struct arena *a, const char *scripts, const char *asked) {
    return arena_printf(a,
                        "default-src 'none'; script-src 'self'%s; style-src 'self'; img-src 'self' data:; "
                        "connect-src 'self'%s; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                        "require-trusted-types-for 'script'",
                        scripts, asked);
}

// What a page may do: run our own scripts, ask the coordinator and the chain, nothing else.
static bool make_policy(struct pages *p, const char *const *asked, size_t count, struct err *e) {
    SCOPED_BUF(list, 4096);
    for (size_t i = 0; i < count; i++)
        if (!add_asked(&list, asked[i], e))
            return false;
    if (list.full)
        return err_set(e, ERR_SETTINGS, "the list of addresses that pages may ask is too long");
    p->asked = arena_strdup(p->arena, buf_str(&list));
    p->opener = "same-origin";
    p->policy = policy_text(p->arena, "", p->asked);
    p->wasm_policy = policy_text(p->arena, " 'wasm-unsafe-eval'", p->asked);
    return true;
}

bool pages_open(struct pages **out, const char *what, const char *folder, const char *const *asked, size_t count,
                struct err *e) {
    struct arena *a = arena_new();
    struct pages *p = arena_calloc(a, 1, sizeof *p);
    p->arena = a;
    p->what = what;
    p->list = arena_calloc(a, PAGES_FILES_MAX, sizeof *p->list);
    bool ok = make_policy(p, asked, count, e) && add_pages(p, folder, "", e) &&
              (page_named(p, "index.html") || err_set(e, ERR_NOT_FOUND, "the folder '%s' has no index.html", folder)) &&
              add_pages(p, folder, "assets/", e);
    if (!ok) {
        pages_free(p);
        return false;
    }
    *out = p;
    return true;
}

bool pages_offer_wallets(struct pages *p, struct err *e) {
    const struct page *page = page_named(p, "wallet.html");
    if (!page)
        return true;
    const char *text = arena_text(p->arena, page->plain.bytes), *at = strstr(text, NONCE_MARK);
    if (!at)
        return err_set(e, ERR_SETTINGS, "wallet.html has no " NONCE_MARK " for its script");
    p->before = slice_of(text, (size_t)(at - text));
    p->after = slice_str(at + strlen(NONCE_MARK));
    p->policy = arena_printf(p->arena, "%s; frame-src 'self'", p->policy);
    p->wasm_policy = arena_printf(p->arena, "%s; frame-src 'self'", p->wasm_policy);
    p->opener = "same-origin-allow-popups";
    return true;
}

void pages_free(struct pages *p) {
    if (p)
        arena_free(p->arena);
}

// --- answering ---------------------------------------------------------------------------------------------------

// The next element of a comma list, without blanks; false at its end.
static bool next_of(const char **at, struct slice *out) {
    if (!**at)
        return false;
    size_t n = strcspn(*at, ",");
    *out = slice_trim(slice_of(*at, n));
    *at += n + ((*at)[n] == ',');
    return true;
}

// RFC 9110: "gzip", perhaps with a weight; a weight of 0 says no.
static bool takes_gzip(struct http_request *r) {
    const char *list = http_header_list(r, "Accept-Encoding");
    struct slice one;
    while (list && next_of(&list, &one)) {
        const char *text = arena_text(http_arena(r), one);
        size_t n = strcspn(text, " \t;");
        if (n == 4 && strncasecmp(text, "gzip", 4) == 0) {
            const char *weight = strstr(text, "q=");
            return !weight || strtod(weight + 2, NULL) > 0;
        }
    }
    return false;
}

static void add_always(const struct pages *p, struct http_request *r) {
    static const char *const always[][2] = {
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()"},
    };
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        http_add_header(r, always[i][0], always[i][1]);
    http_add_header(r, "Cross-Origin-Opener-Policy", p->opener);
}

static void add_headers(const struct pages *p, struct http_request *r, const struct page *page,
                        const struct page_form *form) {
    add_always(p, r);
    http_add_header(r, "X-Frame-Options", "DENY");
    http_add_header(r, "Vary", "Accept-Encoding");
    http_add_header(r, "Content-Security-Policy", strcmp(page->name, PAGE_WITH_WASM) == 0 ? p->wasm_policy : p->policy);
    http_add_header(r, "Cache-Control", page->fixed ? "public, max-age=31536000, immutable" : "no-cache");
    http_add_header(r, "ETag", form->etag);
}

void pages_reply(const struct pages *p, struct http_request *r, const char *name) {
    const struct page *page = page_named(p, name);
    if (!page) {
        struct err e;
        err_set(&e, ERR_NOT_FOUND, "%s has no file '%.100s'", p->what, name);
        http_reply_err(r, &e);
        return;
    }
    bool compressed = page->gzip.bytes.len && takes_gzip(r);
    const struct page_form *form = compressed ? &page->gzip : &page->plain;
    add_headers(p, r, page, form);
    if (http_has_tag(r, form->etag)) {
        http_reply_empty(r, 304);
        return;
    }
    if (compressed)
        http_add_header(r, "Content-Encoding", "gzip");
    http_reply(r, 200, page->type, form->bytes);
}

static const char *wallet_policy(const struct pages *p, struct arena *a, const char *nonce) {
    return arena_printf(a,
                        "default-src 'none'; script-src 'nonce-%s'; style-src 'self' 'unsafe-inline'; "
                        "img-src 'self' data: https:; font-src data: https:; connect-src 'self' https:%s; "
                        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
                        nonce, p->asked);
}

void pages_reply_wallets(const struct pages *p, struct http_request *r) {
    struct err e;
    if (!p->before.len) {
        err_set(&e, ERR_NOT_FOUND, "no wallets are offered here: they are for testnet and mainnet");
        http_reply_err(r, &e);
        return;
    }
    struct arena *a = http_arena(r);
    uint8_t random[NONCE_BYTES];
    random_bytes(random, sizeof random);
    const char *nonce = base64_text(a, slice_of(random, sizeof random));
    add_always(p, r);
    http_add_header(r, "X-Frame-Options", "SAMEORIGIN");
    http_add_header(r, "Content-Security-Policy", wallet_policy(p, a, nonce));
    http_add_header(r, "Cache-Control", "no-store");
    const char *text = arena_printf(a, "%.*s%s%.*s", SLICE_FMT(p->before), nonce, SLICE_FMT(p->after));
    http_reply(r, 200, "text/html; charset=utf-8", slice_str(text));
}
