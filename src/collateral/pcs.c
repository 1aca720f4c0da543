// SPDX-License-Identifier: Apache-2.0
#include "collateral/pcs.h"

#include "base/log.h"
#include "base/text.h"
#include "collateral/forms.h"
#include "crypto/hash.h"
#include <inttypes.h>

#define INTEL_ROOT_CRL "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
#define TRIES 4
#define FIRST_PAUSE_MS 500
#define PAUSE_MAX_MS 30000
#define CALL_MS 10000

// --- addresses and sets

static struct slice without_end(struct slice s, const char *end) {
    size_t n = strlen(end);
    return s.len >= n && memcmp(s.ptr + s.len - n, end, n) == 0 ? slice_of(s.ptr, s.len - n) : s;
}

static bool address_add(struct pcs_addresses *out, struct arena *a, struct slice one, struct err *e) {
    if (out->count == PCS_ADDRESSES_MAX)
        return err_set(e, ERR_SETTINGS, "PCCS_URL lists more than %d addresses", PCS_ADDRESSES_MAX);
    if (!slice_starts(one, SLICE_LIT("https://")) && !slice_starts(one, SLICE_LIT("http://")))
        return err_set(e, ERR_SETTINGS, "address '%.*s' of PCCS_URL is no http or https address", SLICE_FMT(one));
    one = without_end(one, "/");
    one = without_end(without_end(one, "/sgx/certification/v4"), "/tdx/certification/v4");
    out->at[out->count++] = arena_text(a, without_end(one, "/"));
    return true;
}

bool pcs_addresses_read(struct pcs_addresses *out, struct arena *a, const char *list, struct err *e) {
    struct slice rest = slice_str(list && list[0] ? list : PCS_INTEL);
    *out = (struct pcs_addresses){0};
    while (rest.len) {
        const uint8_t *comma = memchr(rest.ptr, ',', rest.len);
        size_t n = comma ? (size_t)(comma - rest.ptr) : rest.len;
        struct slice one = slice_trim(slice_of(rest.ptr, n));
        rest = slice_skip(rest, n + 1);
        if (one.len && !address_add(out, a, one, e))
            return false;
    }
    return out->count || err_set(e, ERR_SETTINGS, "PCCS_URL lists no address");
}

bool pcs_set_read(const char *text, uint64_t *number, struct err *e) {
    *number = 0;
    if (strcmp(text, "standard") == 0 || strcmp(text, "early") == 0)
        return true;
    if (text_u64(slice_str(text), number) && *number > 0 && *number <= UINT32_MAX)
        return true;
    err_set(e, ERR_USAGE, "'%s' is no TCB set", text);
    return err_hint(e, "it is standard, early, or a TCB evaluation data number such as 20");
}

// --- one request

const char *pcs_piece_name(enum pcs_piece p) {
    static const char *const names[] = {"list of TCB sets", "TCB info", "QE identity", "PCK CRL", "root CRL"};
    BUG_ON(p >= PCS_PIECES);
    return names[p];
}

static const char *piece_url(struct arena *a, const char *address, const struct pcs_wish *w, enum pcs_piece p) {
    const char *tee = w->tdx ? "tdx" : "sgx";
    uint64_t number;
    const char *set = pcs_set_read(w->set, &number, NULL) && number
                          ? arena_printf(a, "tcbEvaluationDataNumber=%" PRIu64, number)
                          : arena_printf(a, "update=%s", w->set);
    switch (p) {
    case PCS_NUMBERS: return arena_printf(a, "%s/%s/certification/v4/tcbevaluationdatanumbers", address, tee);
    case PCS_TCB_INFO: return arena_printf(a, "%s/%s/certification/v4/tcb?fmspc=%s&%s", address, tee, w->fmspc, set);
    case PCS_QE_IDENTITY: return arena_printf(a, "%s/%s/certification/v4/qe/identity?%s", address, tee, set);
    case PCS_PCK_CRL: return arena_printf(a, "%s/sgx/certification/v4/pckcrl?ca=%s&encoding=der", address, w->ca);
    case PCS_ROOT_CRL:
        return strcmp(address, PCS_INTEL) == 0 ? INTEL_ROOT_CRL
                                               : arena_printf(a, "%s/sgx/certification/v4/rootcacrl", address);
    case PCS_PIECES: break;
    }
    BUG_ON(true);
}

// Which header has the issuer chain; NULL: the piece needs none.
static const char *chain_header(enum pcs_piece p) {
    switch (p) {
    case PCS_NUMBERS: return "TCB-Evaluation-Data-Numbers-Issuer-Chain";
    case PCS_TCB_INFO: return "TCB-Info-Issuer-Chain";
    case PCS_QE_IDENTITY: return "SGX-Enclave-Identity-Issuer-Chain";
    case PCS_PCK_CRL: return "SGX-PCK-CRL-Issuer-Chain";
    case PCS_ROOT_CRL:
    case PCS_PIECES: break;
    }
    return NULL;
}

static bool has_sets(enum pcs_piece p) { return p == PCS_TCB_INFO || p == PCS_QE_IDENTITY; }

static bool refused(const struct pcs_wish *w, enum pcs_piece p, const char *url, int status, struct err *e) {
    char shown[256];
    uint64_t number;
    log_url(url, shown);
    switch (status) {
    case 400:
    case 404:
        err_set(e, ERR_NOT_FOUND, "%s has no %s of this platform (status %d)", shown, pcs_piece_name(p), status);
        return err_hint(e, "FMSPC %s, CA %s, set %s", w->fmspc, w->ca, w->set);
    case 401:
    case 403: return err_set(e, ERR_FORBIDDEN, "%s refuses us (status %d)", shown, status);
    case 410:
        if (!has_sets(p) || !pcs_set_read(w->set, &number, NULL) || !number)
            return err_set(e, ERR_NOT_FOUND, "%s says that its %s is gone (status 410)", shown, pcs_piece_name(p));
        err_set(e, ERR_NOT_FOUND, "TCB set %s has been retired (%s answered status 410)", w->set, shown);
        return err_hint(e, "take --set standard");
    case 429: return err_set(e, ERR_TOO_MANY, "%s asks us to come back later (status 429)", shown);
    default: return err_set(e, ERR_UNAVAILABLE, "%s answered status %d", shown, status);
    }
}

// Retry-After in seconds; a date, or none, is 0.
static uint64_t retry_after_ms(const struct http_wanted *w) {
    uint64_t s;
    return w->value && text_u64(slice_trim(slice_str(w->value)), &s) ? (s < 86400 ? s : 86400) * 1000 : 0;
}

// From half of it to all of it, so that many who were refused together do not come back together.
static uint64_t jittered(uint64_t ms) {
    uint32_t r;
    random_bytes(&r, sizeof r);
    return ms / 2 + r % (ms / 2 + 1);
}

struct asking {
    struct pcs_answer *out;
    struct arena *a;
    struct http_client *http;
    const struct pcs_wish *wish;
    const struct patience *p;
    bool unreachable;
    struct err why; // where it is
};

// *again: the server is in trouble of its own, `pause_ms` is what it asked for.
static bool ask_once(struct asking *k, enum pcs_piece p, struct http_answer *answer, const char **chain, bool *again,
                     uint64_t *pause_ms, struct err *e) {
    struct http_wanted wanted[] = {{"Retry-After", NULL}, {chain_header(p), NULL}};
    struct patience within = patience_within(k->p, CALL_MS);
    struct http_call call = {.method = "GET",
                             .url = piece_url(k->a, k->out->address, k->wish, p),
                             .timeout_ms = patience_left(&within),
                             .max_answer = PCS_ANSWER_MAX,
                             .cancel = k->p->cancel,
                             .wanted = wanted,
                             .wanted_count = wanted[1].name ? 2 : 1};
    *again = false;
    *pause_ms = 0;
    if (!call.timeout_ms)
        return patience_fail(k->p, pcs_piece_name(p), e);
    k->out->asked++;
    if (!http_call(k->http, k->a, &call, answer, e)) {
        *again = e->code == ERR_UNAVAILABLE || e->code == ERR_TIMEOUT;
        k->unreachable = *again;
        return false;
    }
    k->unreachable = false;
    *chain = wanted[1].value;
    if (answer->status == 200)
        return true;
    *again = answer->status == 429 || answer->status >= 500;
    *pause_ms = retry_after_ms(&wanted[0]);
    return refused(k->wish, p, call.url, answer->status, e);
}

static bool ask(struct asking *k, enum pcs_piece p, struct http_answer *answer, const char **chain, struct err *e) {
    uint64_t pause = FIRST_PAUSE_MS, wanted;
    for (unsigned tries = 1;; tries++) {
        bool again;
        if (ask_once(k, p, answer, chain, &again, &wanted, e))
            return true;
        if (!again || tries == TRIES)
            return false;
        uint64_t ms = wanted > pause ? wanted : jittered(pause);
        pause = pause < PAUSE_MAX_MS / 2 ? 2 * pause : PAUSE_MAX_MS;
        if (patience_left(k->p) <= ms || !patience_pause(k->p, ms)) // what would be too late is not waited for
            return err_hint(e, wanted ? "it asked for a pause of %" PRIu64 " s" : "tried again until the time was up",
                            wanted / 1000);
    }
}

// --- what came

static bool take_signed(struct asking *k, const char *name, struct slice body, struct slice *text,
                        struct slice *signature, struct err *e) {
    struct signed_text found;
    if (!signed_text_read(&found, body, name, e))
        return false;
    *text = found.text;
    *signature = arena_copy(k->a, slice_of(found.signature, sizeof found.signature));
    return true;
}

static bool take_piece(struct asking *k, enum pcs_piece p, struct slice body, struct slice chain, struct err *e) {
    struct collateral *c = &k->out->collateral;
    struct pcs_numbers *n = &k->out->numbers;
    switch (p) {
    case PCS_NUMBERS:
        n->issuer_chain = chain;
        return take_signed(k, "tcbEvaluationDataNumbers", body, &n->text, &n->signature, e);
    case PCS_TCB_INFO:
        c->tcb_info_issuer_chain = chain;
        return take_signed(k, "tcbInfo", body, &c->tcb_info, &c->tcb_info_signature, e);
    case PCS_QE_IDENTITY:
        c->qe_identity_issuer_chain = chain;
        return take_signed(k, "enclaveIdentity", body, &c->qe_identity, &c->qe_identity_signature, e);
    case PCS_PCK_CRL: c->pck_crl_issuer_chain = chain; return crl_read(&c->pck_crl, k->a, body, e);
    case PCS_ROOT_CRL: return crl_read(&c->root_ca_crl, k->a, body, e);
    case PCS_PIECES: break;
    }
    return false;
}

static bool ask_piece(struct asking *k, enum pcs_piece p, struct err *e) {
    struct http_answer answer;
    const char *header = NULL;
    struct slice chain = {0};
    if (k->unreachable) { // it is not asked again, and the reason is the same
        *e = k->why;
        return false;
    }
    if (!ask(k, p, &answer, &header, e)) {
        k->why = *e;
        return false;
    }
    char shown[256];
    log_url(k->out->address, shown);
    if ((header && !chain_read(&chain, k->a, header, e)) || !take_piece(k, p, answer.body, chain, e))
        return err_wrap(e, "%s sent a bad %s", shown, pcs_piece_name(p));
    return header || !chain_header(p) ||
           err_set(e, ERR_INVALID, "%s sent a %s without its issuer chain", shown, pcs_piece_name(p));
}

void pcs_ask(struct pcs_answer *out, struct arena *a, struct http_client *http, const char *address,
             const struct pcs_wish *wish, const struct patience *p) {
    struct asking k = {.out = out, .a = a, .http = http, .wish = wish, .p = p};
    *out = (struct pcs_answer){.address = address};
    for (enum pcs_piece piece = 0; piece < PCS_PIECES; piece++)
        out->had[piece] = ask_piece(&k, piece, &out->why[piece]);
}
