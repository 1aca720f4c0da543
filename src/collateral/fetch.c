// SPDX-License-Identifier: Apache-2.0
#include "collateral/fetch.h"

#include "base/log.h"
#include <inttypes.h>
#include <pthread.h>

struct source {
    pthread_t thread;
    bool started;
    const struct fetch *f;
    struct http_client *http;
    struct arena *a; // of the answer; a thread has its own
    struct pcs_answer answer;
    const char *address, *shown; // shown: without a password, in the caller's arena
};

static void *ask_source(void *ctx) {
    struct source *s = ctx;
    const struct quote_platform *p = s->f->platform;
    const struct pcs_wish wish = {.tdx = p->tdx, .fmspc = p->fmspc, .ca = p->ca, .set = s->f->set};
    pcs_ask(&s->answer, s->a, s->http, s->address, &wish, &s->f->patience);
    return NULL;
}

static enum pcs_piece piece_of(enum collateral_part p) {
    static const enum pcs_piece of[] = {PCS_ROOT_CRL, PCS_PCK_CRL, PCS_TCB_INFO, PCS_QE_IDENTITY};
    return of[p];
}

static void note(struct fetched *out, const char *address, enum pcs_piece piece, const struct err *why) {
    if (out->note_count < FETCH_NOTES_MAX)
        out->notes[out->note_count++] = (struct fetch_note){address, piece, *why};
}

// What came from there and is not right.
static void note_fault(struct fetched *out, const struct source *s, enum pcs_piece piece, const struct dcap_fault *f) {
    struct err why;
    collateral_served_err(f, s->f->now, &why);
    note(out, s->shown, piece, &why);
}

// --- which of two

// The set that is wanted, as far as it is known; 0: it is not.
static uint64_t wanted_set(const struct fetched *out, const struct fetch *f) {
    uint64_t number;
    if (!pcs_set_read(f->set, &number, NULL) || number || !out->sets_known)
        return number;
    const struct tcb_set *s =
        strcmp(f->set, "early") == 0 ? tcb_sets_early(&out->sets) : tcb_sets_standard(&out->sets, f->now);
    return s ? s->number : 0;
}

static bool is_better(const struct collateral_facts *new, const struct collateral_facts *old, uint64_t wanted) {
    if (!old->good)
        return true;
    bool new_over = wanted && new->number > wanted, old_over = wanted && old->number > wanted;
    if (new_over != old_over)
        return old_over;
    return new->number != old->number ? new->number > old->number : new->issued > old->issued;
}

// Whether a part that is right by itself is what was asked for.
static bool is_asked_for(const struct collateral_facts *f, enum collateral_part p, const struct fetch *asked,
                         struct err *e) {
    const struct quote_platform *w = asked->platform;
    uint64_t number;
    if (p == COLLATERAL_TCB_INFO && (strcasecmp(f->id, w->fmspc) != 0 || f->tdx != w->tdx))
        return err_set(e, ERR_INVALID, "it sent the TCB info of another platform (FMSPC %s)", f->id);
    if (p == COLLATERAL_QE_IDENTITY && f->tdx != w->tdx)
        return err_set(e, ERR_INVALID, "it sent the identity of another enclave (%s)", f->id);
    if (p == COLLATERAL_PCK_CRL && strcmp(f->id, w->ca) != 0)
        return err_set(e, ERR_INVALID, "it sent the list of another authority (%s)", f->id);
    if (p == COLLATERAL_TCB_INFO && pcs_set_read(asked->set, &number, NULL) && number && number != f->number)
        return err_set(e, ERR_INVALID, "it sent TCB info of set %" PRIu64 ", not of %" PRIu64, f->number, number);
    return true;
}

// --- from answers to what is believed

// *root: whose root CRL, with its issuer chain, counts so far.
static void take_root_crl(struct fetched *out, const struct fetch *f, const struct source *s,
                          const struct collateral **root) {
    struct collateral_facts new;
    if (!s->answer.had[PCS_ROOT_CRL])
        return;
    collateral_judge_root(&new, &s->answer.collateral, f->trust, f->now);
    if (!new.good) {
        note_fault(out, s, PCS_ROOT_CRL, &new.fault);
    } else if (is_better(&new, &out->facts[COLLATERAL_ROOT_CRL], 0)) {
        collateral_take(&out->c, &s->answer.collateral, COLLATERAL_ROOT_CRL);
        out->facts[COLLATERAL_ROOT_CRL] = new;
        out->from[COLLATERAL_ROOT_CRL] = s->shown;
        *root = &s->answer.collateral;
    }
}

static void take_sets(struct fetched *out, const struct fetch *f, const struct source *s,
                      const struct collateral *root) {
    struct tcb_sets sets;
    struct err why;
    if (!s->answer.had[PCS_NUMBERS])
        return;
    if (!collateral_sets_verify(&sets, &s->answer.numbers, f->platform->tdx, root, f->trust, f->now, &why)) {
        note(out, s->shown, PCS_NUMBERS, &why);
    } else if (!out->sets_known || sets.issued > out->sets.issued) {
        out->sets = sets;
        out->sets_known = true;
    }
}

static void take_part(struct fetched *out, const struct fetch *f, const struct source *s, enum collateral_part p,
                      const struct collateral_facts *new) {
    struct err why;
    if (!s->answer.had[piece_of(p)])
        return;
    if (!new->good) {
        note_fault(out, s, piece_of(p), &new->fault);
    } else if (!is_asked_for(new, p, f, &why)) {
        note(out, s->shown, piece_of(p), &why);
    } else if (is_better(new, &out->facts[p], wanted_set(out, f))) {
        collateral_take(&out->c, &s->answer.collateral, p);
        out->facts[p] = *new;
        out->from[p] = s->shown;
    }
}

static void take_parts(struct fetched *out, const struct fetch *f, const struct source *s,
                       const struct collateral *root) {
    struct collateral_facts facts[COLLATERAL_PARTS];
    collateral_judge(facts, &s->answer.collateral, root, f->trust, f->now);
    for (enum collateral_part p = COLLATERAL_PCK_CRL; p < COLLATERAL_PARTS; p++)
        take_part(out, f, s, p, &facts[p]);
}

static bool all_there(const struct fetched *out, struct err *e) {
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++) {
        if (out->from[p])
            continue;
        for (size_t i = 0; i < out->note_count; i++) {
            if (out->notes[i].piece != piece_of(p))
                continue;
            *e = out->notes[i].why;
            e->code = ERR_UNAVAILABLE;
            return err_wrap(e, "no %s could be had: %s", pcs_piece_name(piece_of(p)), out->notes[i].address);
        }
        return err_set(e, ERR_UNAVAILABLE, "no %s could be had", pcs_piece_name(piece_of(p)));
    }
    return true;
}

// What a thread has in its own arena is kept in the caller's.
static void believe(struct fetched *out, struct arena *a, const struct fetch *f, struct source *s, size_t count) {
    const struct collateral none = {0}, *root = &none;
    for (size_t i = 0; i < count; i++) {
        out->asked += s[i].answer.asked;
        for (enum pcs_piece p = 0; p < PCS_PIECES; p++)
            if (!s[i].answer.had[p])
                note(out, s[i].shown, p, &s[i].answer.why[p]);
    }
    for (size_t i = 0; i < count; i++)
        take_root_crl(out, f, &s[i], &root);
    for (size_t i = 0; i < count; i++)
        take_sets(out, f, &s[i], root);
    for (size_t i = 0; i < count; i++)
        take_parts(out, f, &s[i], root);
    collateral_keep(&out->c, a);
}

bool collateral_fetch(struct fetched *out, struct arena *a, const struct fetch *f, struct err *e) {
    struct source sources[PCS_ADDRESSES_MAX] = {0};
    size_t count = f->addresses->count;
    struct http_client *http = http_client_new();
    char shown[256];
    *out = (struct fetched){0};
    for (size_t i = 0; i < count; i++) {
        struct source *s = &sources[i];
        *s = (struct source){.f = f, .http = http, .a = arena_new(), .address = f->addresses->at[i]};
        s->shown = arena_strdup(a, log_url(s->address, shown));
        s->started = pthread_create(&s->thread, NULL, ask_source, s) == 0;
        if (!s->started)
            ask_source(s);
    }
    for (size_t i = 0; i < count; i++)
        if (sources[i].started)
            pthread_join(sources[i].thread, NULL);
    believe(out, a, f, sources, count);
    for (size_t i = 0; i < count; i++)
        arena_free(sources[i].a);
    http_client_free(http);
    return all_there(out, e);
}
