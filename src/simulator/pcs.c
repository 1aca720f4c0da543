// SPDX-License-Identifier: Apache-2.0
// Intel's provisioning certification service, version 4, as its own addresses and a cache (PCCS) serve it, for the
// platform of this simulator.
#include "base/clock.h"
#include "base/text.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "simulator/sim.h"

#define DAY (24 * 3600)
#define STALE_DAYS 60
#define EVALUATIONS_KEPT 2 // below the standard set; older ones are gone

struct service {
    struct sim *sim;
    struct http_request *request;
    struct control control;
    struct pki_world *world;
};

// What is served now. false: the request has been answered.
static bool open_service(struct service *s, struct http_request *r, void *ctx, bool tdx) {
    *s = (struct service){.sim = ctx, .request = r};
    if (!sim_control(s->sim, r, &s->control) || sim_misbehave(s->sim, r, s->control.pcs))
        return false;
    struct pki_world *w = s->world = arena_calloc(http_arena(r), 1, sizeof *w);
    int64_t now = sim_now(s->sim);
    td_world(w, &s->sim->td.config, s->control.pcs == SIM_STALE ? now - STALE_DAYS * DAY : now);
    if (!tdx) {
        w->tcb_info.id = "SGX";
        w->identity.id = "QE";
        w->identity.product = 1;
    }
    w->tcb_info.evaluation = w->identity.evaluation = (unsigned)s->control.evaluation;
    if (s->control.tcb_status)
        w->tcb_info.levels[0].status = s->control.tcb_status;
    w->tcb_info.levels[0].advisories = s->control.advisories;
    if (s->control.revoked)
        memcpy(w->pck_crl.revoked[w->pck_crl.revoked_count++], w->leaf.serial, 20);
    return true;
}

// Percent-encoded, as PCS sends PEM in a header.
static const char *encoded(struct arena *a, struct slice text) {
    SCOPED_BUF(b, 16384);
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i];
        if (isalnum((unsigned char)c) || strchr("-._~", c))
            buf_add_byte(&b, (uint8_t)c);
        else
            buf_printf(&b, "%%%02X", (unsigned char)c);
    }
    BUG_ON(b.full);
    return arena_strdup(a, buf_str(&b));
}

static void with_chain(struct service *s, const char *header, const struct pki_chain *chain) {
    struct arena *a = http_arena(s->request);
    http_add_header(s->request, header, encoded(a, pki_chain_pem(a, s->world, chain)));
    http_add_header(s->request, "Request-ID", "simulated");
}

// The signed text goes out as it was signed, so it is put in by hand.
static void reply_signed(struct service *s, const char *member, struct slice text, const char *signer) {
    struct arena *a = http_arena(s->request);
    struct slice signature = pki_json_signature(a, s->world->seed, signer, text, s->control.pcs == SIM_LYING);
    const char *body =
        arena_printf(a, "{\"%s\":%.*s,\"signature\":\"%s\"}", member, SLICE_FMT(text), hex_text(a, signature));
    http_reply(s->request, 200, "application/json", slice_str(body));
}

// Which set is asked for. false: the request has been answered.
static bool choose_set(struct service *s, unsigned *evaluation) {
    const char *update = http_query(s->request, "update"), *number = http_query(s->request, "tcbEvaluationDataNumber");
    uint64_t wanted, standard = s->control.evaluation;
    if (update && number) {
        sim_reply_error(s->request, 400, "update and tcbEvaluationDataNumber exclude each other");
        return false;
    }
    wanted = standard + (update && strcmp(update, "early") == 0);
    if (number && !text_u64(slice_str(number), &wanted)) {
        sim_reply_error(s->request, 400, "tcbEvaluationDataNumber is a number");
        return false;
    }
    if (wanted > standard + 1 || wanted + EVALUATIONS_KEPT < standard) {
        sim_reply_error(s->request, wanted > standard ? 404 : 410, "this set is not served");
        return false;
    }
    *evaluation = (unsigned)wanted;
    return true;
}

static void tcb(struct http_request *r, void *ctx) {
    struct service s;
    uint8_t fmspc[6];
    const char *asked = http_query(r, "fmspc");
    if (!open_service(&s, r, ctx, strncmp(http_path(r), "/tdx/", 5) == 0))
        return;
    if (!asked || !hex_decode_exact(fmspc, sizeof fmspc, slice_str(asked), NULL)) {
        sim_reply_error(r, 400, "fmspc has 12 hexadecimal digits");
    } else if (memcmp(fmspc, s.world->tcb_info.fmspc, sizeof fmspc) != 0) {
        sim_reply_error(r, 404, "this platform is unknown");
    } else if (choose_set(&s, &s.world->tcb_info.evaluation)) {
        if (s.control.early_status && s.world->tcb_info.evaluation > s.control.evaluation)
            s.world->tcb_info.levels[0].status = s.control.early_status;
        with_chain(&s, "TCB-Info-Issuer-Chain", &s.world->tcb_chain);
        reply_signed(&s, "tcbInfo", pki_tcb_info_text(http_arena(r), &s.world->tcb_info), s.world->tcb_info.signer);
    }
}

static void identity(struct http_request *r, void *ctx) {
    struct service s;
    if (!open_service(&s, r, ctx, strncmp(http_path(r), "/tdx/", 5) == 0) ||
        !choose_set(&s, &s.world->identity.evaluation))
        return;
    with_chain(&s, "SGX-Enclave-Identity-Issuer-Chain", &s.world->identity_chain);
    reply_signed(&s, "enclaveIdentity", pki_identity_text(http_arena(r), &s.world->identity), s.world->identity.signer);
}

static void evaluation_numbers(struct http_request *r, void *ctx) {
    struct service s;
    bool tdx = strncmp(http_path(r), "/tdx/", 5) == 0;
    if (!open_service(&s, r, ctx, tdx))
        return;
    struct arena *a = http_arena(r);
    char issued[32], next[32];
    SCOPED_BUF(b, 4096);
    clock_iso8601((uint64_t)s.world->tcb_info.issued * 1000, issued);
    clock_iso8601((uint64_t)s.world->tcb_info.next * 1000, next);
    buf_printf(&b,
               "{\"id\":\"%s\",\"version\":1,\"issueDate\":\"%.19sZ\",\"nextUpdate\":\"%.19sZ\",\"tcbEvalNumbers\":[",
               tdx ? "TDX" : "SGX", issued, next);
    // The newest is the early one; an event becomes standard a year after it.
    for (int back = -1; back <= EVALUATIONS_KEPT; back++) {
        char date[32];
        clock_iso8601(((uint64_t)s.world->now - (uint64_t)((back + 1) * 370 + 10) * DAY) * 1000, date);
        buf_printf(&b,
                   "%s{\"tcbEvaluationDataNumber\":%d,\"tcbRecoveryEventDate\":\"%.10sT00:00:00Z\",\"tcbDate\":\"%."
                   "10sT00:00:00Z\"}",
                   back >= 0 ? "," : "", (int)s.control.evaluation - back, date, date);
    }
    buf_add_str(&b, "]}");
    with_chain(&s, "TCB-Evaluation-Data-Numbers-Issuer-Chain", &s.world->tcb_chain);
    reply_signed(&s, "tcbEvaluationDataNumbers", arena_copy(a, buf_slice(&b)), s.world->tcb_info.signer);
}

// --- revocation lists

static void reply_list(struct service *s, struct slice der, const char *encoding) {
    struct arena *a = http_arena(s->request);
    if (s->control.crl)
        encoding = s->control.crl;
    if (s->control.pcs == SIM_LYING) {
        der = arena_copy(a, der);
        ((uint8_t *)(uintptr_t)der.ptr)[der.len - 1] ^= 1;
    }
    if (strcmp(encoding, "der") == 0)
        http_reply(s->request, 200, "application/pkix-crl", der);
    else if (strcmp(encoding, "hex") == 0)
        http_reply(s->request, 200, "text/plain", slice_str(hex_text(a, der)));
    else
        http_reply(
            s->request, 200, "application/x-pem-file",
            slice_str(arena_printf(a, "-----BEGIN X509 CRL-----\n%s\n-----END X509 CRL-----\n", base64_text(a, der))));
}

static void pck_list(struct http_request *r, void *ctx) {
    struct service s;
    const char *ca = http_query(r, "ca"), *encoding = http_query(r, "encoding");
    if (!open_service(&s, r, ctx, true))
        return;
    if (!ca || (strcmp(ca, "processor") != 0 && strcmp(ca, "platform") != 0)) {
        sim_reply_error(r, 400, "ca is processor or platform");
        return;
    }
    if (strcmp(ca, "processor") == 0)
        pki_world_processor(s.world);
    with_chain(&s, "SGX-PCK-CRL-Issuer-Chain", &s.world->crl_chain);
    reply_list(&s, pki_crl_der(http_arena(r), s.world->seed, &s.world->pck_crl), encoding ? encoding : "pem");
}

// Intel serves it from another host, as DER; a cache as hexadecimal text.
static void root_list(struct http_request *r, void *ctx) {
    struct service s;
    if (!open_service(&s, r, ctx, true))
        return;
    bool cache = strstr(http_path(r), "rootcacrl") != NULL;
    reply_list(&s, pki_crl_der(http_arena(r), s.world->seed, &s.world->root_crl), cache ? "hex" : "der");
}

static void platforms(struct http_request *r, void *ctx) {
    struct service s;
    if (!open_service(&s, r, ctx, true))
        return;
    json_t *one = json_object(), *list = json_array();
    json_set_text(one, "fmspc", hex_text(http_arena(r), slice_of(s.world->tcb_info.fmspc, 6)));
    json_set_text(one, "platform", "E5");
    json_array_append_new(list, one);
    sim_reply(r, 200, list);
}

const struct http_route pcs_routes[] = {
    {HTTP_GET, "/tdx/certification/v4/tcb", tcb, 0, NULL, 0},
    {HTTP_GET, "/sgx/certification/v4/tcb", tcb, 0, NULL, 0},
    {HTTP_GET, "/tdx/certification/v4/qe/identity", identity, 0, NULL, 0},
    {HTTP_GET, "/sgx/certification/v4/qe/identity", identity, 0, NULL, 0},
    {HTTP_GET, "/tdx/certification/v4/tcbevaluationdatanumbers", evaluation_numbers, 0, NULL, 0},
    {HTTP_GET, "/sgx/certification/v4/tcbevaluationdatanumbers", evaluation_numbers, 0, NULL, 0},
    {HTTP_GET, "/sgx/certification/v4/pckcrl", pck_list, 0, NULL, 0},
    {HTTP_GET, "/sgx/certification/v4/rootcacrl", root_list, 0, NULL, 0},
    {HTTP_GET, "/IntelSGXRootCA.der", root_list, 0, NULL, 0},
    {HTTP_GET, "/sgx/certification/v4/fmspcs", platforms, 0, NULL, 0},
};
const size_t pcs_route_count = ARRAY_LEN(pcs_routes);
