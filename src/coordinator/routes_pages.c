// SPDX-License-Identifier: Apache-2.0
// The dashboard: every path of a page is answered with the same document, whose script shows that page.
#include "coordinator/routes.h"

static void reply_page(struct http_request *r, const struct coordinator *c, const char *name) {
    struct err e;
    if (c->pages) {
        pages_reply(c->pages, r, name);
        return;
    }
    err_set(&e, ERR_NOT_FOUND, "this coordinator serves no dashboard");
    err_hint(&e, "`make dashboard` makes one; DASHBOARD_DIR says where it is");
    http_reply_err(r, &e);
}

void page_document(struct http_request *r, void *ctx) { reply_page(r, ctx, "index.html"); }

void page_asset(struct http_request *r, void *ctx) {
    reply_page(r, ctx, arena_printf(http_arena(r), "assets/%s", http_param(r, "file")));
}

void page_icon(struct http_request *r, void *ctx) { reply_page(r, ctx, "favicon.svg"); }
