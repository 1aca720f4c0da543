// SPDX-License-Identifier: Apache-2.0
// TCB info and QE identity: their text, their dates, their levels; and every field changed without being signed again.
#include "testpki/cases_internal.h"
#include "testpki/der_write.h"

static struct pki_tcb_info *begin_tcb(struct book *b, const char *name) {
    return &begin(b, PKI_TDX_V4, name)->tcb_info;
}
static struct pki_identity *begin_qe(struct book *b, const char *name) { return &begin(b, PKI_TDX_V4, name)->identity; }

static void dates(struct book *b) {
    begin_tcb(b, "tcb-info-expired")->next = CASES_NOW - 1;
    bad(b, "EXPIRED", "TCB_INFO");
    begin_tcb(b, "tcb-info-expires-in-this-second")->next = CASES_NOW;
    good(b, "UpToDate", "");
    begin_tcb(b, "tcb-info-of-the-future")->issued = CASES_NOW + 1;
    bad(b, "NOT_YET_VALID", "TCB_INFO");
    begin_tcb(b, "tcb-info-of-this-second")->issued = CASES_NOW;
    good(b, "UpToDate", "");
    begin_qe(b, "qe-identity-expired")->next = CASES_NOW - 1;
    bad(b, "EXPIRED", "QE_IDENTITY");
    begin_qe(b, "qe-identity-expires-in-this-second")->next = CASES_NOW;
    good(b, "UpToDate", "");
    begin_qe(b, "qe-identity-of-the-future")->issued = CASES_NOW + 1;
    bad(b, "NOT_YET_VALID", "QE_IDENTITY");
    begin_qe(b, "qe-identity-of-this-second")->issued = CASES_NOW;
    good(b, "UpToDate", "");
}

static void signatures(struct book *b) {
    begin_tcb(b, "tcb-info-signature")->spoil = 1;
    bad(b, "SIGNATURE", "TCB_INFO");
    begin_tcb(b, "tcb-info-signed-by-the-root")->signer = "root";
    bad(b, "SIGNATURE", "TCB_INFO");
    begin_qe(b, "qe-identity-signature")->spoil = 1;
    bad(b, "SIGNATURE", "QE_IDENTITY");
    begin_qe(b, "qe-identity-signed-by-the-pck-key")->signer = "the platform";
    bad(b, "SIGNATURE", "QE_IDENTITY");
    begin(b, PKI_TDX_V4, "tcb-info-signature-of-zeros");
    memset(own_bytes(b, &make(b)->tcb_info_signature), 0, 64);
    bad(b, "SIGNATURE_FORMAT", "TCB_INFO");
    begin(b, PKI_TDX_V4, "qe-identity-signature-of-zeros");
    memset(own_bytes(b, &make(b)->qe_identity_signature), 0, 64);
    bad(b, "SIGNATURE_FORMAT", "QE_IDENTITY");
    begin(b, PKI_TDX_V4, "tcb-info-signature-of-63-bytes");
    make(b)->tcb_info_signature.len = 63;
    bad(b, "HEX_FORMAT", "TCB_INFO");
    begin(b, PKI_TDX_V4, "tcb-info-signature-in-der");
    struct pki_made *m = make(b);
    m->tcb_info_signature = pki_der_ecdsa(b->arena, m->tcb_info_signature.ptr);
    bad(b, "HEX_FORMAT", "TCB_INFO");
    begin(b, PKI_TDX_V4, "signatures-exchanged");
    m = make(b);
    struct slice s = m->tcb_info_signature;
    m->tcb_info_signature = m->qe_identity_signature;
    m->qe_identity_signature = s;
    bad(b, "SIGNATURE", "TCB_INFO");
    begin(b, PKI_TDX_V4, "tcb-info-and-qe-identity-exchanged");
    m = make(b);
    s = m->tcb_info;
    m->tcb_info = m->qe_identity;
    m->qe_identity = s;
    s = m->tcb_info_signature;
    m->tcb_info_signature = m->qe_identity_signature;
    m->qe_identity_signature = s;
    bad(b, "JSON_MEMBER", "TCB_INFO");
}

static void kinds(struct book *b) {
    begin_tcb(b, "tcb-info-version-2")->version = 2;
    bad(b, "TCB_INFO_VERSION", "TCB_INFO");
    begin_tcb(b, "tcb-info-type-1")->type = 1;
    bad(b, "TCB_INFO_TYPE", "TCB_INFO");
    begin_tcb(b, "tcb-info-of-sgx-for-a-td")->id = "SGX";
    bad(b, "TCB_INFO_TEE", "TCB_INFO");
    begin(b, PKI_SGX_V3, "tcb-info-of-tdx-for-an-enclave")->tcb_info.id = "TDX";
    bad(b, "TCB_INFO_TEE", "TCB_INFO");
    begin_tcb(b, "tcb-info-of-an-unknown-kind")->id = "SEV";
    bad(b, "TCB_INFO_TEE", "TCB_INFO");
    begin_tcb(b, "tcb-info-of-another-platform")->fmspc[0] ^= 1;
    bad(b, "FMSPC_MISMATCH", "TCB_INFO");
    begin_tcb(b, "tcb-info-of-another-pce")->pceid[0] = 1;
    bad(b, "PCEID_MISMATCH", "TCB_INFO");
    begin_qe(b, "qe-identity-version-1")->version = 1;
    bad(b, "QE_IDENTITY_VERSION", "QE_IDENTITY");
    begin_qe(b, "qe-identity-of-sgx-for-a-td")->id = "QE";
    bad(b, "QE_IDENTITY_ID", "QE_IDENTITY");
    begin(b, PKI_SGX_V3, "qe-identity-of-tdx-for-an-enclave")->identity.id = "TD_QE";
    bad(b, "QE_IDENTITY_ID", "QE_IDENTITY");
    begin_qe(b, "qe-identity-of-the-verifying-enclave")->id = "QVE";
    bad(b, "QE_IDENTITY_ID", "QE_IDENTITY");
    begin_tcb(b, "sets-of-different-numbers")->evaluation = 20;
    good(b, "UpToDate", "");
}

struct text_row {
    const char *name, *code;
    const char *find, *with;
};

static struct pki_edit edit_of(const struct text_row *r) {
    return (struct pki_edit){slice_str(r->find), slice_str(r->with)};
}

// Signed as it is served: text that no careful reader takes, or that two readers take for different things.
static void tcb_texts(struct book *b) {
    static const struct text_row rows[] = {
        {"duplicate-member", "JSON_DUPLICATE", "\"version\":3,", "\"version\":3,\"version\":3,"},
        {"duplicate-unused-member", "JSON_DUPLICATE", "\"version\":3,", "\"version\":3,\"news\":1,\"news\":2,"},
        {"duplicate-member-in-an-unused-one", "JSON_DUPLICATE", "\"version\":3,",
         "\"version\":3,\"news\":{\"a\":[{\"b\":1,\"c\":2,\"b\":1}]},"},
        {"duplicate-type-of-a-component", "JSON_DUPLICATE", "{\"svn\":5}", "{\"svn\":5,\"type\":\"a\",\"type\":\"a\"}"},
        {"duplicate-member-escaped", "JSON_FORMAT", "\"version\":3,", "\"version\":3,\"versio\\u006e\":3,"},
        {"duplicate-status", "JSON_DUPLICATE", "\"tcbStatus\":\"OutOfDate\"",
         "\"tcbStatus\":\"OutOfDate\",\"tcbStatus\":\"UpToDate\""},
        {"svn-256", "JSON_VALUE", "{\"svn\":5}", "{\"svn\":256}"},
        {"svn-negative", "JSON_VALUE", "{\"svn\":5}", "{\"svn\":-5}"},
        {"svn-float", "JSON_VALUE", "{\"svn\":5}", "{\"svn\":5.0}"},
        {"svn-exponent", "JSON_VALUE", "{\"svn\":5}", "{\"svn\":5e0}"},
        {"svn-leading-zero", "JSON_VALUE", "{\"svn\":5}", "{\"svn\":05}"},
        {"svn-text", "JSON_VALUE", "{\"svn\":5}", "{\"svn\":\"5\"}"},
        {"svn-null", "JSON_VALUE", "{\"svn\":5}", "{\"svn\":null}"},
        {"svn-missing", "JSON_MEMBER", "{\"svn\":5}", "{}"},
        {"svn-beyond-64-bits", "JSON_VALUE", "{\"svn\":5}", "{\"svn\":18446744073709551621}"},
        {"pcesvn-65536", "JSON_VALUE", "\"pcesvn\":11", "\"pcesvn\":65536"},
        {"pcesvn-missing", "JSON_MEMBER", ",\"pcesvn\":11", ""},
        {"15-components", "TCB_COMPONENTS", "{\"svn\":5},", ""},
        {"17-components", "TCB_COMPONENTS", "{\"svn\":5},", "{\"svn\":5},{\"svn\":0},"},
        {"no-components", "TCB_COMPONENTS", "\"tdxtcbcomponents\":", "\"otherComponents\":"},
        {"unknown-status", "TCB_STATUS", "\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"Fine\""},
        {"status-in-small-letters", "TCB_STATUS", "\"tcbStatus\":\"OutOfDate\"", "\"tcbStatus\":\"outofdate\""},
        {"status-missing", "JSON_MEMBER", ",\"tcbStatus\":\"UpToDate\"", ""},
        {"levels-missing", "JSON_MEMBER", "\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcbLayers\":[{\"tcb\":{\"sgx"},
        {"is-a-list", "JSON_FORMAT", "{\"id\"", "[{\"id\""},
        {"text-behind", "JSON_MEMBER", "{\"id\":\"TDX\"", "{}{\"id\":\"TDX\""},
        {"blank-before", "JSON_FORMAT", "{\"id\":\"TDX\"", "\xef\xbb\xbf{\"id\":\"TDX\""},
        {"control-character", "JSON_FORMAT", "\"id\":\"TDX\"", "\"id\":\"TDX\n\""},
        {"date-with-an-offset", "JSON_VALUE", "Z\",\"nextUpdate\"", "+00:00\",\"nextUpdate\""},
        {"date-with-a-thirteenth-month", "JSON_VALUE", "\"nextUpdate\":\"2026-10", "\"nextUpdate\":\"2026-13"},
        {"date-missing", "JSON_MEMBER", "\"nextUpdate\"", "\"lastUpdate\""},
        {"fmspc-too-short", "JSON_VALUE", "\"fmspc\":\"0A", "\"fmspc\":\""},
        {"fmspc-no-hex", "JSON_VALUE", "\"fmspc\":\"0A", "\"fmspc\":\"0G"},
        {"module-missing", "JSON_MEMBER", "\"tdxModule\":", "\"tdxModul\":"},
        {"advisories-of-numbers", "JSON_VALUE", "[\"OUTLAYER-SA-00001\"]", "[1]"},
        {"evaluation-missing", "JSON_MEMBER", "\"tcbEvaluationDataNumber\":17,", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin_named(b, PKI_TDX_V4, "tcb-info-%s", rows[i].name)->tcb_info.edits[0] = edit_of(&rows[i]);
        bad(b, rows[i].code, "TCB_INFO");
    }
    static const struct text_row fine[] = {
        {"unknown-member", NULL, "\"version\":3,", "\"version\":3,\"news\":{\"a\":[1,2.5,\"x\"]},"},
        {"blanks", NULL, "\"version\":3,", " \"version\" :\t3 ,\r\n"},
        {"fmspc-in-small-letters", NULL, "\"fmspc\":\"0A1B2C3D4E5F\"", "\"fmspc\":\"0a1b2c3d4e5f\""},
        {"svn-255", NULL, "{\"svn\":5}", "{\"svn\":255}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
        begin_named(b, PKI_TDX_V4, "good-tcb-info-%s", fine[i].name)->tcb_info.edits[0] = edit_of(&fine[i]);
        good(b, "UpToDate", "");
    }
}

static void qe_texts(struct book *b) {
    static const struct text_row rows[] = {
        {"duplicate-member", "JSON_DUPLICATE", "\"isvprodid\":2,", "\"isvprodid\":2,\"isvprodid\":2,"},
        {"duplicate-unused-member", "JSON_DUPLICATE", "\"isvprodid\":2,", "\"isvprodid\":2,\"x\":2,\"x\":2,"},
        {"isvsvn-65536", "JSON_VALUE", "{\"isvsvn\":4}", "{\"isvsvn\":65536}"},
        {"isvsvn-negative", "JSON_VALUE", "{\"isvsvn\":4}", "{\"isvsvn\":-4}"},
        {"isvprodid-missing", "JSON_MEMBER", "\"isvprodid\":2,", ""},
        {"mrsigner-missing", "JSON_MEMBER", "\"mrsigner\"", "\"mrsinger\""},
        {"mask-too-short", "JSON_VALUE", "\"attributesMask\":\"FB", "\"attributesMask\":\""},
        {"miscselect-no-hex", "JSON_VALUE", "\"miscselect\":\"00", "\"miscselect\":\"0x"},
        {"unknown-status", "TCB_STATUS", "\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"Good\""},
        {"levels-missing", "JSON_MEMBER", "\"tcbLevels\"", "\"tcbLayers\""},
        {"is-a-list", "JSON_FORMAT", "{\"id\"", "[{\"id\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin_named(b, PKI_TDX_V4, "qe-identity-%s", rows[i].name)->identity.edits[0] = edit_of(&rows[i]);
        bad(b, rows[i].code, "QE_IDENTITY");
    }
}

// Nested deeper than any reader should go along; the texts are as large as what signs them allows.
static void bombs(struct book *b) {
    struct pki_world *w = begin(b, PKI_TDX_V4, "tcb-info-is-a-bomb");
    size_t n = 4000;
    char *deep = arena_alloc(b->arena, n + 32);
    memcpy(deep, "\"version\":3,\"deep\":", 19);
    memset(deep + 19, '[', n);
    w->tcb_info.edits[0] = (struct pki_edit){SLICE_LIT("\"version\":3,"), slice_of(deep, 19 + n)};
    bad(b, "JSON_FORMAT", "TCB_INFO");
    w = begin(b, PKI_TDX_V4, "qe-identity-is-a-bomb");
    deep = arena_alloc(b->arena, n + 32);
    memcpy(deep, "\"version\":2,\"deep\":", 19);
    for (size_t i = 0; i < n; i += 5)
        memcpy(deep + 19 + i, "{\"a\":", 5);
    w->identity.edits[0] = (struct pki_edit){SLICE_LIT("\"version\":2,"), slice_of(deep, 19 + n)};
    bad(b, "JSON_FORMAT", "QE_IDENTITY");
}

void cases_of_json(struct book *b) {
    dates(b);
    signatures(b);
    kinds(b);
    tcb_texts(b);
    qe_texts(b);
    bombs(b);
}

// --- levels

// Intel's merge: what a component (QE or module) that is out of date makes of the platform's status.
static const struct {
    const char *status, *merged;
} statuses[] = {{"UpToDate", "OutOfDate"},
                {"SWHardeningNeeded", "OutOfDate"},
                {"ConfigurationNeeded", "OutOfDateConfigurationNeeded"},
                {"ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded"},
                {"OutOfDate", "OutOfDate"},
                {"OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded"}};

static void merges(struct book *b) {
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        const char *s = statuses[i].status;
        struct pki_world *w = begin_named(b, PKI_TDX_V4, "status-%s", s);
        w->tcb_info.levels[0].status = s;
        w->tcb_info.levels[0].advisories = "OUTLAYER-SA-00009";
        good(b, s, "OUTLAYER-SA-00009");
        w = begin_named(b, PKI_TDX_V4, "status-%s-with-the-qe-out-of-date", s);
        w->tcb_info.levels[0].status = s;
        w->quote.qe_report[PKI_ISVSVN] = 3;
        good(b, statuses[i].merged, "OUTLAYER-SA-00004");
        w = begin_named(b, PKI_TDX_V4, "status-%s-with-the-module-out-of-date", s);
        w->tcb_info.levels[0].status = s;
        w->quote.body[PKI_TCB_SVN] = 3;
        good(b, statuses[i].merged, "OUTLAYER-SA-00002");
    }
    struct pki_world *w = begin(b, PKI_TDX_V4, "advisories-of-all-three");
    w->tcb_info.levels[0].advisories = "OUTLAYER-SA-00004,OUTLAYER-SA-00009";
    w->quote.qe_report[PKI_ISVSVN] = 3;
    w->quote.body[PKI_TCB_SVN] = 3;
    good(b, "OutOfDate", "OUTLAYER-SA-00002,OUTLAYER-SA-00004,OUTLAYER-SA-00009");
}

static void revoked(struct book *b) {
    begin_tcb(b, "platform-revoked")->levels[0].status = "Revoked";
    judged(b, "Revoked", "", "TCB_REVOKED");
    begin_qe(b, "qe-revoked")->levels[0].status = "Revoked";
    judged(b, "Revoked", "", "TCB_REVOKED");
    begin_tcb(b, "module-revoked")->modules[1].levels[0].status = "Revoked";
    judged(b, "Revoked", "", "TCB_REVOKED");
    begin_qe(b, "qe-level-below-revoked")->levels[1].status = "Revoked";
    good(b, "UpToDate", "");
    begin_qe(b, "qe-status-of-a-platform")->levels[0].status = "ConfigurationNeeded";
    bad(b, "TCB_STATUS", "QE_IDENTITY");
    begin_tcb(b, "module-status-of-a-platform")->modules[1].levels[0].status = "SWHardeningNeeded";
    bad(b, "TCB_STATUS", "TCB_INFO");
}

static void below(struct book *b, const char *name, size_t component, uint8_t svn, const char *status,
                  const char *advisories) {
    begin(b, PKI_TDX_V4, name)->sgx.components[component] = svn;
    if (status)
        good(b, status, advisories);
    else
        bad(b, "TCB_NOT_SUPPORTED", "PLATFORM");
}

static void matching(struct book *b) {
    // The first component is higher than any level asks for: it makes up for no other one.
    struct pki_world *w = begin(b, PKI_TDX_V4, "components-are-not-compared-as-words");
    w->sgx.components[0] = 200;
    w->sgx.components[4] = 1;
    good(b, "OutOfDate", "OUTLAYER-SA-00001,OUTLAYER-SA-00003");
    below(b, "last-named-component-too-low", 7, 2, "OutOfDate", "OUTLAYER-SA-00001,OUTLAYER-SA-00003");
    below(b, "component-below-every-level", 1, 1, NULL, NULL);
    begin_tcb(b, "last-component-below-every-level")->levels[0].sgx[15] = 1;
    b->w.tcb_info.levels[1].sgx[15] = b->w.tcb_info.levels[2].sgx[15] = 1;
    bad(b, "TCB_NOT_SUPPORTED", "PLATFORM");
    begin(b, PKI_TDX_V4, "pcesvn-below-the-first-level")->sgx.pcesvn = 10;
    good(b, "OutOfDate", "OUTLAYER-SA-00001");
    begin(b, PKI_TDX_V4, "pcesvn-below-every-level")->sgx.pcesvn = 4;
    bad(b, "TCB_NOT_SUPPORTED", "PLATFORM");
    begin(b, PKI_TDX_V4, "tdx-component-below-the-first-level")->quote.body[PKI_TCB_SVN + 2] = 1;
    good(b, "OutOfDate", "OUTLAYER-SA-00001,OUTLAYER-SA-00003");
    begin(b, PKI_TDX_V4, "tdx-component-below-every-level")->quote.body[PKI_TCB_SVN + 2] = 0;
    bad(b, "TCB_NOT_SUPPORTED", "PLATFORM");
    begin_tcb(b, "last-tdx-component-below-every-level")->levels[0].tdx[15] = 1;
    b->w.tcb_info.levels[1].tdx[15] = b->w.tcb_info.levels[2].tdx[15] = 1;
    bad(b, "TCB_NOT_SUPPORTED", "PLATFORM");
    begin(b, PKI_SGX_V3, "an-enclave-is-matched-by-the-pck-and-not-by-its-cpusvn")->quote.body[PKI_CPUSVN] = 0;
    good(b, "UpToDate", "");
}

static void order(struct book *b) {
    struct pki_tcb_info *t = begin_tcb(b, "levels-in-the-other-order");
    struct pki_level first = t->levels[0];
    t->levels[0] = t->levels[2];
    t->levels[2] = first;
    good(b, "UpToDate", "");
    t = begin_tcb(b, "module-levels-in-the-other-order");
    first = t->modules[1].levels[0];
    t->modules[1].levels[0] = t->modules[1].levels[1];
    t->modules[1].levels[1] = first;
    good(b, "UpToDate", "");
    struct pki_identity *i = begin_qe(b, "qe-levels-in-the-other-order");
    first = i->levels[0];
    i->levels[0] = i->levels[1];
    i->levels[1] = first;
    good(b, "UpToDate", "");
    t = begin_tcb(b, "the-same-level-twice");
    t->levels[t->level_count++] = t->levels[0];
    t->levels[t->level_count - 1].status = "OutOfDate";
    bad(b, "TCB_LEVELS", "TCB_INFO");
    begin_tcb(b, "no-levels")->level_count = 0;
    bad(b, "TCB_LEVELS", "TCB_INFO");
    begin_qe(b, "no-qe-levels")->level_count = 0;
    bad(b, "TCB_LEVELS", "QE_IDENTITY");
    begin_tcb(b, "no-module-levels")->modules[1].level_count = 0;
    bad(b, "TCB_LEVELS", "TCB_INFO");
    begin_tcb(b, "the-same-module-twice")->modules[0].id = "TDX_01";
    bad(b, "TCB_LEVELS", "TCB_INFO");
}

// Bodies that say what the TD was launched on and what runs now.
static void relaunch(struct book *b) {
    for (int k = PKI_TDX15_V5; k <= PKI_TDX15X_V5; k++) {
        int body = k == PKI_TDX15_V5 ? 3 : 4;
        begin_named(b, (enum pki_kind)k, "relaunch-advised-body-%d", body)->quote.body[PKI_TCB_SVN + 2] = 1;
        good(b, "TDRelaunchAdvised", "OUTLAYER-SA-00001,OUTLAYER-SA-00003");
        struct pki_world *w = begin_named(b, (enum pki_kind)k, "relaunch-and-configuration-body-%d", body);
        w->quote.body[PKI_TCB_SVN + 2] = 1;
        w->tcb_info.levels[0].status = "ConfigurationNeeded";
        good(b, "TDRelaunchAdvisedConfigurationNeeded", "OUTLAYER-SA-00001,OUTLAYER-SA-00003");
        w = begin_named(b, (enum pki_kind)k, "both-out-of-date-body-%d", body);
        w->quote.body[PKI_TCB_SVN + 2] = w->quote.body[PKI_TCB_SVN2 + 2] = 1;
        good(b, "OutOfDate", "OUTLAYER-SA-00001,OUTLAYER-SA-00003");
        begin_named(b, (enum pki_kind)k, "current-below-every-level-body-%d", body)->quote.body[PKI_TCB_SVN2 + 2] = 0;
        bad(b, "TCB_NOT_SUPPORTED", "PLATFORM");
    }
}

void cases_of_levels(struct book *b) {
    merges(b);
    revoked(b);
    matching(b);
    order(b);
    relaunch(b);
}

// --- every field, changed after it was signed

static void quote_fields(struct book *b, enum pki_kind kind, const char *name) {
    begin(b, kind, name);
    struct pki_made *layout = make(b);
    size_t body = layout->at.body, length = layout->at.length, report = layout->at.qe_report;
    // From the header's user data on, all that is signed; then the QE's report.
    for (size_t at = 28; at < length; at += at < 48 || at >= body ? 16 : 1) {
        if (at >= 48 && at < body)
            continue;
        begin_named(b, kind, "%s-byte-%zu", name, at);
        own_bytes(b, &make(b)->quote)[at] ^= 0x40;
        bad(b, "QUOTE_SIGNATURE", "QUOTE");
    }
    for (size_t at = report; at < report + 384; at += 16) {
        begin_named(b, kind, "%s-qe-report-byte-%zu", name, at - report);
        own_bytes(b, &make(b)->quote)[at] ^= 0x40;
        bad(b, "QE_REPORT_SIGNATURE", "QE_REPORT");
    }
    arena_reset(b->arena);
}

static void signature_bytes(struct book *b) {
    for (int i = 0; i < 2; i++) {
        begin_named(b, PKI_TDX_V4, "quote-signature-%c-changed", "rs"[i]);
        struct pki_made *m = make(b);
        own_bytes(b, &m->quote)[m->at.signature + (size_t)i * 32 + 31] ^= 1;
        bad(b, "QUOTE_SIGNATURE", "QUOTE");
        begin_named(b, PKI_TDX_V4, "qe-report-signature-%c-changed", "rs"[i]);
        m = make(b);
        own_bytes(b, &m->quote)[m->at.qe_signature + (size_t)i * 32 + 31] ^= 1;
        bad(b, "QE_REPORT_SIGNATURE", "QE_REPORT");
    }
}

// Of each member of the collateral, a byte here and there. What it breaks depends on where it falls.
static void collateral_bytes(struct book *b) {
    static const struct {
        const char *name;
        size_t member;
        bool text; // a change of letters keeps it text
    } rows[] = {{"pck-crl-issuer-chain", offsetof(struct pki_made, pck_crl_issuer_chain), true},
                {"root-ca-crl", offsetof(struct pki_made, root_ca_crl), false},
                {"pck-crl", offsetof(struct pki_made, pck_crl), false},
                {"tcb-info-issuer-chain", offsetof(struct pki_made, tcb_info_issuer_chain), true},
                {"tcb-info", offsetof(struct pki_made, tcb_info), true},
                {"tcb-info-signature", offsetof(struct pki_made, tcb_info_signature), false},
                {"qe-identity-issuer-chain", offsetof(struct pki_made, qe_identity_issuer_chain), true},
                {"qe-identity", offsetof(struct pki_made, qe_identity), true},
                {"qe-identity-signature", offsetof(struct pki_made, qe_identity_signature), false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int tenth = 0; tenth < 10; tenth++) {
            begin_named(b, PKI_TDX_V4, "collateral-%s-byte-at-%d0-percent", rows[i].name, tenth);
            struct slice *s = (struct slice *)(void *)((char *)make(b) + rows[i].member);
            uint8_t *p = own_bytes(b, s) + s->len * (size_t)tenth / 10;
            *p = rows[i].text ? (*p == 'Q' ? 'R' : 'Q') : *p ^ 1;
            bad(b, "*", NULL);
        }
        begin_named(b, PKI_TDX_V4, "collateral-%s-empty", rows[i].name);
        ((struct slice *)(void *)((char *)make(b) + rows[i].member))->len = 0;
        bad(b, "*", NULL);
        begin_named(b, PKI_TDX_V4, "collateral-%s-one-byte-shorter", rows[i].name);
        struct slice *s = (struct slice *)(void *)((char *)make(b) + rows[i].member);
        s->len -= 1 + (s->ptr[s->len - 1] == '\n');
        bad(b, "*", NULL);
    }
}

static void chain_bytes(struct book *b) {
    for (int tenth = 0; tenth < 10; tenth++) {
        begin_named(b, PKI_TDX_V4, "quote-chain-byte-at-%d0-percent", tenth);
        struct pki_made *m = make(b);
        uint8_t *p = own_bytes(b, &m->quote) + m->at.chain + (m->at.end - m->at.chain) * (size_t)tenth / 10;
        *p = *p == 'Q' ? 'R' : 'Q';
        bad(b, "*", NULL);
    }
}

void cases_of_every_field(struct book *b) {
    quote_fields(b, PKI_TDX_V4, "changed-tdx-v4");
    quote_fields(b, PKI_TDX15X_V5, "changed-tdx15-extended-v5");
    quote_fields(b, PKI_SGX_V3, "changed-sgx-v3");
    signature_bytes(b);
    collateral_bytes(b);
    chain_bytes(b);
}
