// SPDX-License-Identifier: Apache-2.0
#include "testpki/cases.h"

#include "base/err.h"
#include "testpki/cases_internal.h"
#include <stdarg.h>

static void begin_case(struct book *b, enum pki_kind kind, const char *name) {
    b->c = (struct pki_case){.name = name, .at = CASES_NOW};
    b->is_made = false;
    pki_world_init(&b->w, kind, "outlayer test cases", "the platform", CASES_NOW);
}

struct pki_world *begin(struct book *b, enum pki_kind kind, const char *name) {
    begin_case(b, kind, name);
    return &b->w;
}

struct pki_world *begin_named(struct book *b, enum pki_kind kind, const char *fmt, ...) {
    char name[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    begin_case(b, kind, arena_strdup(b->arena, name));
    return &b->w;
}

struct pki_made *make(struct book *b) {
    if (!b->is_made)
        pki_make(&b->c.made, b->arena, &b->w);
    b->is_made = true;
    return &b->c.made;
}

uint8_t *own_bytes(struct book *b, struct slice *s) {
    *s = arena_copy(b->arena, *s);
    return (uint8_t *)(uintptr_t)s->ptr;
}

static void end(struct book *b) {
    make(b);
    b->fn(b->ctx, b->arena, &b->c);
    arena_reset(b->arena);
}

void judged(struct book *b, const char *status, const char *advisories, const char *refused) {
    b->c.status = status;
    b->c.advisories = advisories;
    b->c.refused = refused;
    end(b);
}

void good(struct book *b, const char *status, const char *advisories) {
    bool current = strcmp(status, "UpToDate") == 0;
    judged(b, status, advisories,
           *advisories ? current ? "TCB_ADVISORY" : "TCB_STATUS,TCB_ADVISORY"
           : current   ? ""
                       : "TCB_STATUS");
}

void bad(struct book *b, const char *error, const char *part) {
    b->c.error = error;
    b->c.part = part;
    end(b);
}

void pki_cases(pki_case_fn fn, void *ctx) {
    struct book *b = xcalloc(1, sizeof *b);
    b->fn = fn;
    b->ctx = ctx;
    b->arena = arena_new();
    cases_of_quotes(b);
    cases_of_enclaves(b);
    cases_of_certificates(b);
    cases_of_lists(b);
    cases_of_json(b);
    cases_of_levels(b);
    cases_of_policies(b);
    cases_of_logs(b);
    cases_of_every_field(b);
    arena_free(b->arena);
    free(b);
}
