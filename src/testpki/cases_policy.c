// SPDX-License-Identifier: Apache-2.0
// Policies, in the JSON that docs/attestation.md has: what each member accepts, and nothing beside it.
#include "codec/hex.h"
#include "testpki/cases_internal.h"

static struct pki_world *under(struct book *b, enum pki_kind kind, const char *name, const char *policy) {
    struct pki_world *w = begin_named(b, kind, "policy-%s", name);
    b->c.policy = policy;
    return w;
}

static void statuses(struct book *b) {
    static const struct {
        const char *name, *policy, *refused;
    } rows[] = {
        {"out-of-date-and-any-advisory", "{\"accept\":[\"OutOfDate\"],\"any_advisory\":true}", ""},
        {"out-of-date-with-its-advisory", "{\"accept\":[\"OutOfDate\"],\"advisories\":[\"OUTLAYER-SA-00001\"]}", ""},
        {"out-of-date-with-another-advisory", "{\"accept\":[\"OutOfDate\"],\"advisories\":[\"OUTLAYER-SA-00009\"]}",
         "TCB_ADVISORY"},
        {"out-of-date-without-advisories", "{\"accept\":[\"UpToDate\",\"OutOfDate\"]}", "TCB_ADVISORY"},
        {"another-status", "{\"accept\":[\"SWHardeningNeeded\"],\"any_advisory\":true}", "TCB_STATUS"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        under(b, PKI_TDX_V4, rows[i].name, rows[i].policy)->sgx.pcesvn = 5;
        judged(b, "OutOfDate", "OUTLAYER-SA-00001", rows[i].refused);
    }
    under(b, PKI_TDX_V4, "without-up-to-date", "{\"accept\":[\"OutOfDate\"]}");
    judged(b, "UpToDate", "", "TCB_STATUS");
    under(
        b, PKI_TDX_V4, "that-accepts-all-but-revoked",
        "{\"accept\":[\"UpToDate\",\"SWHardeningNeeded\",\"ConfigurationNeeded\",\"ConfigurationAndSWHardeningNeeded\","
        "\"TDRelaunchAdvised\",\"TDRelaunchAdvisedConfigurationNeeded\",\"OutOfDate\","
        "\"OutOfDateConfigurationNeeded\"],\"any_advisory\":true}")
        ->tcb_info.levels[0]
        .status = "Revoked";
    judged(b, "Revoked", "", "TCB_REVOKED");
}

static void sets(struct book *b) {
    under(b, PKI_TDX_V4, "minimum-of-this-set", "{\"min_tcb_eval\":17,\"min_qe_eval\":17}");
    judged(b, "UpToDate", "", "");
    under(b, PKI_TDX_V4, "minimum-of-the-next-tcb-info", "{\"min_tcb_eval\":18}");
    judged(b, "UpToDate", "", "TCB_EVAL");
    under(b, PKI_TDX_V4, "minimum-of-the-next-qe-identity", "{\"min_qe_eval\":18}");
    judged(b, "UpToDate", "", "QE_EVAL");
}

static void attribute(struct book *b, const char *name, const char *policy, int bit, const char *refused) {
    under(b, PKI_TDX_V4, name, policy)->quote.body[PKI_TD_ATTRIBUTES + bit / 8] ^= (uint8_t)(1 << bit % 8);
    judged(b, "UpToDate", "", refused);
}

static void attributes(struct book *b) {
    attribute(b, "of-pks", "{\"td_attributes\":[\"PKS\"]}", 30, "");
    attribute(b, "of-pks-is-none-of-kl", "{\"td_attributes\":[\"PKS\"]}", 31, "TD_KL");
    attribute(b, "of-kl", "{\"td_attributes\":[\"KL\"]}", 31, "");
    attribute(b, "of-perfmon", "{\"td_attributes\":[\"PERFMON\"]}", 63, "");
    attribute(b, "of-perfmon-is-none-of-reserved-bits", "{\"td_attributes\":[\"PERFMON\"]}", 39, "TD_RESERVED");
    attribute(b, "of-migration", "{\"td_attributes\":[\"MIGRATABLE\"]}", 29, "");
    attribute(b, "of-debug", "{\"td_attributes\":[\"DEBUG\"]}", 0, "");
    attribute(b, "without-sept-ve", "{\"without_sept_ve\":true}", 28, "");
    under(b, PKI_TDX15_V5, "of-service-tds", "{\"service_td\":true}")->quote.body[PKI_SERVICE_TD] = 1;
    judged(b, "UpToDate", "", "");
    under(b, PKI_SGX_V3, "of-sgx-debug", "{\"sgx_debug\":true}")->quote.body[PKI_ATTRIBUTES] |= 2;
    judged(b, "UpToDate", "", "");
    under(b, PKI_TDX_V4, "of-sgx-debug-is-none-of-tds", "{\"sgx_debug\":true}")->quote.body[PKI_TD_ATTRIBUTES] |= 1;
    judged(b, "UpToDate", "", "TD_DEBUG");
}

// The field's value in the good quote as text, or with its last bit changed.
static const char *value(struct book *b, size_t at, size_t n, bool other) {
    uint8_t bytes[48];
    memcpy(bytes, b->w.quote.body + at, n);
    bytes[n - 1] ^= other;
    return hex_text(b->arena, slice_of(bytes, n));
}

static void measurements(struct book *b) {
    static const struct {
        const char *name;
        size_t at, len;
    } fields[] = {{"mrtd", PKI_MRTD, 48},
                  {"rtmr0", PKI_RTMR0, 48},
                  {"rtmr3", PKI_RTMR3, 48},
                  {"xfam", PKI_XFAM, 8},
                  {"mr_config_id", PKI_MRCONFIGID, 48},
                  {"mr_owner", PKI_MROWNER, 48},
                  {"mrseam", PKI_MRSEAM, 48}};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        for (int other = 0; other < 2; other++) {
            begin_named(b, PKI_TDX_V4, "policy-of-%s-%s", other ? "another" : "this", fields[i].name);
            b->c.policy = arena_printf(b->arena, "{\"measurements\":{\"%s\":\"%s\"}}", fields[i].name,
                                       value(b, fields[i].at, fields[i].len, other));
            judged(b, "UpToDate", "", other ? "MEASUREMENT" : "");
        }
    }
    begin(b, PKI_TDX_V4, "policy-of-two-mrtds");
    b->c.policy = arena_printf(b->arena, "{\"measurements\":{\"mrtd\":[\"%s\",\"%s\"]}}", value(b, PKI_MRTD, 48, true),
                               value(b, PKI_MRTD, 48, false));
    judged(b, "UpToDate", "", "");
    begin(b, PKI_SGX_V3, "policy-of-this-mrenclave");
    b->c.policy =
        arena_printf(b->arena, "{\"measurements\":{\"mrenclave\":\"%s\"}}", value(b, PKI_MRENCLAVE, 32, false));
    judged(b, "UpToDate", "", "");
    begin(b, PKI_TDX_V4, "policy-of-an-mrenclave-for-a-td");
    b->c.policy = arena_printf(b->arena, "{\"measurements\":{\"mrenclave\":\"%s\"}}", value(b, PKI_MRTD, 32, false));
    judged(b, "UpToDate", "", "MEASUREMENT");
}

void cases_of_policies(struct book *b) {
    statuses(b);
    sets(b);
    attributes(b);
    measurements(b);
}
