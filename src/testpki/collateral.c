// SPDX-License-Identifier: Apache-2.0
// TCB info and enclave identities as Intel prints them: no blanks, hex in capitals, dates to the second.
#include "base/buf.h"
#include "base/err.h"
#include "codec/hex.h"
#include "testpki/testpki.h"

#define TEXT_MAX (64u << 10)

static void put_hex(struct buf *b, const char *name, const uint8_t *bytes, size_t n) {
    buf_printf(b, "\"%s\":\"", name);
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%02X", bytes[i]);
    buf_add_str(b, "\",");
}

static void put_date(struct buf *b, const char *name, int64_t seconds) {
    struct tm t;
    char text[32];
    time_t when = (time_t)seconds;
    BUG_ON(!gmtime_r(&when, &t) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &t));
    buf_printf(b, "\"%s\":\"%s\",", name, text);
}

// What stands behind a level's tcb.
static void put_verdict(struct buf *b, const struct pki_level *l) {
    buf_printf(b, ",\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"", l->date, l->status);
    if (l->advisories) {
        buf_add_str(b, ",\"advisoryIDs\":[");
        for (const char *p = l->advisories; *p;) {
            size_t n = strcspn(p, ",");
            buf_printf(b, "%s\"%.*s\"", p == l->advisories ? "" : ",", (int)n, p);
            p += n + (p[n] == ',');
        }
        buf_add_str(b, "]");
    }
    buf_add_str(b, "}");
}

static void put_isv_levels(struct buf *b, const struct pki_level *levels, size_t n) {
    buf_add_str(b, "\"tcbLevels\":[");
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s{\"tcb\":{\"isvsvn\":%u}", i ? "," : "", levels[i].isvsvn);
        put_verdict(b, &levels[i]);
    }
    buf_add_str(b, "]");
}

static void put_components(struct buf *b, const char *name, const uint8_t svn[16]) {
    buf_printf(b, "\"%s\":[", name);
    for (int i = 0; i < 16; i++)
        buf_printf(b, "%s{\"svn\":%u%s}", i ? "," : "", svn[i],
                   i == 0 && name[0] == 's' ? ",\"category\":\"BIOS\",\"type\":\"Early Microcode Update\"" : "");
    buf_add_str(b, "]");
}

static void put_platform_levels(struct buf *b, const struct pki_tcb_info *t) {
    buf_add_str(b, "\"tcbLevels\":[");
    for (size_t i = 0; i < t->level_count; i++) {
        const struct pki_level *l = &t->levels[i];
        buf_printf(b, "%s{\"tcb\":{", i ? "," : "");
        put_components(b, "sgxtcbcomponents", l->sgx);
        buf_printf(b, ",\"pcesvn\":%u", l->pcesvn);
        if (strcmp(t->id, "TDX") == 0) {
            buf_add_str(b, ",");
            put_components(b, "tdxtcbcomponents", l->tdx);
        }
        buf_add_str(b, "}");
        put_verdict(b, l);
    }
    buf_add_str(b, "]");
}

static void put_module(struct buf *b, const struct pki_tcb_info *t) {
    static const uint8_t whole[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    put_hex(b, "mrsigner", t->module_signer, sizeof t->module_signer);
    put_hex(b, "attributes", t->module_attributes, sizeof t->module_attributes);
    put_hex(b, "attributesMask", whole, sizeof whole);
    b->len--; // the comma
}

static void put_modules(struct buf *b, const struct pki_tcb_info *t) {
    if (!t->without_module) {
        buf_add_str(b, "\"tdxModule\":{");
        put_module(b, t);
        buf_add_str(b, "},");
    }
    if (t->without_modules)
        return;
    buf_add_str(b, "\"tdxModuleIdentities\":[");
    for (size_t i = 0; i < t->module_count; i++) {
        buf_printf(b, "%s{\"id\":\"%s\",", i ? "," : "", t->modules[i].id);
        put_module(b, t);
        buf_add_str(b, ",");
        put_isv_levels(b, t->modules[i].levels, t->modules[i].level_count);
        buf_add_str(b, "}");
    }
    buf_add_str(b, "],");
}

static struct slice whole_text(struct arena *a, struct buf *b, const struct pki_edit edits[PKI_EDITS]) {
    BUG_ON(b->full);
    return pki_edited(a, arena_copy(a, buf_slice(b)), edits);
}

struct slice pki_tcb_info_text(struct arena *a, const struct pki_tcb_info *t) {
    SCOPED_BUF(b, TEXT_MAX);
    buf_printf(&b, "{\"id\":\"%s\",\"version\":%u,", t->id, t->version);
    put_date(&b, "issueDate", t->issued);
    put_date(&b, "nextUpdate", t->next);
    put_hex(&b, "fmspc", t->fmspc, sizeof t->fmspc);
    put_hex(&b, "pceId", t->pceid, sizeof t->pceid);
    buf_printf(&b, "\"tcbType\":%u,\"tcbEvaluationDataNumber\":%u,", t->type, t->evaluation);
    if (strcmp(t->id, "TDX") == 0)
        put_modules(&b, t);
    put_platform_levels(&b, t);
    buf_add_str(&b, "}");
    return whole_text(a, &b, t->edits);
}

struct slice pki_identity_text(struct arena *a, const struct pki_identity *i) {
    SCOPED_BUF(b, TEXT_MAX);
    buf_printf(&b, "{\"id\":\"%s\",\"version\":%u,", i->id, i->version);
    put_date(&b, "issueDate", i->issued);
    put_date(&b, "nextUpdate", i->next);
    buf_printf(&b, "\"tcbEvaluationDataNumber\":%u,", i->evaluation);
    put_hex(&b, "miscselect", i->miscselect, sizeof i->miscselect);
    put_hex(&b, "miscselectMask", i->miscselect_mask, sizeof i->miscselect_mask);
    put_hex(&b, "attributes", i->attributes, sizeof i->attributes);
    put_hex(&b, "attributesMask", i->attributes_mask, sizeof i->attributes_mask);
    put_hex(&b, "mrsigner", i->signer_hash, sizeof i->signer_hash);
    buf_printf(&b, "\"isvprodid\":%u,", i->product);
    put_isv_levels(&b, i->levels, i->level_count);
    buf_add_str(&b, "}");
    return whole_text(a, &b, i->edits);
}

struct slice pki_json_signature(struct arena *a, const char *seed, const char *signer, struct slice text,
                                uint8_t spoil) {
    struct pki_key k;
    uint8_t *raw = arena_alloc(a, 64);
    pki_key_of(&k, seed, signer);
    pki_sign(raw, &k, text);
    raw[63] ^= spoil;
    return slice_of(raw, 64);
}

// --- chains, and the object

static struct slice cert_of(struct arena *a, const struct pki_world *w, char letter) {
    switch (letter) {
    case 'L': return pki_cert_der(a, w->seed, &w->leaf);
    case 'P': return pki_cert_der(a, w->seed, &w->platform_ca);
    case 'Q': return pki_cert_der(a, w->seed, &w->processor_ca);
    case 'T': return pki_cert_der(a, w->seed, &w->tcb_signer);
    case 'X': return pki_cert_der(a, arena_printf(a, "another %s", w->seed), &w->root);
    default: return pki_cert_der(a, w->seed, &w->root);
    }
}

struct slice pki_chain_pem(struct arena *a, const struct pki_world *w, const struct pki_chain *c) {
    SCOPED_BUF(b, TEXT_MAX);
    for (const char *p = c->letters; *p; p++)
        buf_add_slice(&b,
                      pki_pem(a, cert_of(a, w, *p), p == c->letters ? c->before : c->between, p[1] ? "" : c->after));
    if (c->nul)
        buf_add_byte(&b, 0);
    BUG_ON(b.full);
    return arena_copy(a, buf_slice(&b));
}

static void set_text(json_t *o, const char *name, struct slice text) {
    json_object_set_new(o, name, json_stringn((const char *)text.ptr, text.len));
}

json_t *pki_collateral(struct arena *a, const struct pki_made *m) {
    json_t *o = json_object();
    set_text(o, "pck_crl_issuer_chain", m->pck_crl_issuer_chain);
    json_object_set_new(o, "root_ca_crl", json_string(hex_text(a, m->root_ca_crl)));
    json_object_set_new(o, "pck_crl", json_string(hex_text(a, m->pck_crl)));
    set_text(o, "tcb_info_issuer_chain", m->tcb_info_issuer_chain);
    set_text(o, "tcb_info", m->tcb_info);
    json_object_set_new(o, "tcb_info_signature", json_string(hex_text(a, m->tcb_info_signature)));
    set_text(o, "qe_identity_issuer_chain", m->qe_identity_issuer_chain);
    set_text(o, "qe_identity", m->qe_identity);
    json_object_set_new(o, "qe_identity_signature", json_string(hex_text(a, m->qe_identity_signature)));
    if (m->pck_certificate_chain.len)
        set_text(o, "pck_certificate_chain", m->pck_certificate_chain);
    return o;
}
