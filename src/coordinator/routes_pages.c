// SPDX-License-Identifier: Apache-2.0
// What people read: the dashboard, of which every page's path is answered with the same document, whose script shows
// that page; and the book, in which each page is a file.
#include "coordinator/routes.h"

static void reply_none(struct http_request *r, const char *what, const char *hint) {
    struct err e;
    err_set(&e, ERR_NOT_FOUND, "this coordinator serves no %s", what);
    err_hint(&e, "%s", hint);
    http_reply_err(r, &e);
}

static void reply_dashboard(struct http_request *r, const struct coordinator *c, const char *name) {
    if (c->dashboard)
        pages_reply(c->dashboard, r, name);
    else
        reply_none(r, "dashboard", "`make dashboard` makes one; DASHBOARD_DIR says where it is");
}

void page_document(struct http_request *r, void *ctx) { reply_dashboard(r, ctx, "index.html"); }

void page_verification(struct http_request *r, void *ctx) { reply_dashboard(r, ctx, PAGE_WITH_WASM); }

void page_asset(struct http_request *r, void *ctx) {
    reply_dashboard(r, ctx, arena_printf(http_arena(r), "assets/%s", http_param(r, "file")));
}

void page_icon(struct http_request *r, void *ctx) { reply_dashboard(r, ctx, "favicon.svg"); }

void page_wallets(struct http_request *r, void *ctx) {
    const struct coordinator *c = ctx;
    if (c->dashboard)
        pages_reply_wallets(c->dashboard, r);
    else
        reply_dashboard(r, c, "wallet.html");
}

void page_wallet_list(struct http_request *r, void *ctx) { reply_dashboard(r, ctx, "wallets.json"); }

static bool has_book(struct http_request *r, const struct coordinator *c) {
    if (!c->book)
        reply_none(r, "book", "`make book` makes one; DOCS_DIR says where it is");
    return c->book;
}

static void reply_book(struct http_request *r, const struct coordinator *c, const char *name) {
    if (has_book(r, c))
        pages_reply(c->book, r, name);
}

// The links of a page are relative to the folder.
void book_folder(struct http_request *r, void *ctx) {
    if (has_book(r, ctx))
        http_redirect(r, BOOK_PATH);
}

void book_index(struct http_request *r, void *ctx) { reply_book(r, ctx, "index.html"); }

void book_file(struct http_request *r, void *ctx) { reply_book(r, ctx, http_param(r, "file")); }

void book_for_programs(struct http_request *r, void *ctx) { reply_book(r, ctx, "llms.txt"); }

void book_for_programs_full(struct http_request *r, void *ctx) { reply_book(r, ctx, "llms-full.txt"); }
