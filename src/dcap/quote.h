// SPDX-License-Identifier: Apache-2.0
// A quote's layout: versions 3 (SGX), 4 and 5 (TDX, seldom SGX). What is read here is a claim; verify.h says whether it
// is true.
#pragma once
#include "dcap/code.h"

#define DCAP_QUOTE_MAX (64u << 10) // what readers of foreign quotes take; real ones have 5 to 8 KiB

enum dcap_tee { DCAP_SGX = 0, DCAP_TDX = 0x81 };
enum dcap_body { DCAP_BODY_SGX = 1, DCAP_BODY_TD10 = 2, DCAP_BODY_TD15 = 3, DCAP_BODY_TD15EX = 4 };

// name, name in JSON, the first body that has it, offset in the body, length
#define DCAP_FIELDS(X)                                                                                                 \
    X(CPUSVN, "cpusvn", SGX, 0, 16)                                                                                    \
    X(MISCSELECT, "miscselect", SGX, 16, 4)                                                                            \
    X(ATTRIBUTES, "attributes", SGX, 48, 16)                                                                           \
    X(MRENCLAVE, "mrenclave", SGX, 64, 32)                                                                             \
    X(MRSIGNER, "mrsigner", SGX, 128, 32)                                                                              \
    X(ISVPRODID, "isvprodid", SGX, 256, 2)                                                                             \
    X(ISVSVN, "isvsvn", SGX, 258, 2)                                                                                   \
    X(SGX_REPORT_DATA, "report_data", SGX, 320, 64)                                                                    \
    X(TEE_TCB_SVN, "tee_tcb_svn", TD10, 0, 16)                                                                         \
    X(MRSEAM, "mrseam", TD10, 16, 48)                                                                                  \
    X(MRSIGNERSEAM, "mrsignerseam", TD10, 64, 48)                                                                      \
    X(SEAMATTRIBUTES, "seam_attributes", TD10, 112, 8)                                                                 \
    X(TDATTRIBUTES, "td_attributes", TD10, 120, 8)                                                                     \
    X(XFAM, "xfam", TD10, 128, 8)                                                                                      \
    X(MRTD, "mrtd", TD10, 136, 48)                                                                                     \
    X(MRCONFIGID, "mr_config_id", TD10, 184, 48)                                                                       \
    X(MROWNER, "mr_owner", TD10, 232, 48)                                                                              \
    X(MROWNERCONFIG, "mr_owner_config", TD10, 280, 48)                                                                 \
    X(RTMR0, "rtmr0", TD10, 328, 48)                                                                                   \
    X(RTMR1, "rtmr1", TD10, 376, 48)                                                                                   \
    X(RTMR2, "rtmr2", TD10, 424, 48)                                                                                   \
    X(RTMR3, "rtmr3", TD10, 472, 48)                                                                                   \
    X(TD_REPORT_DATA, "report_data", TD10, 520, 64)                                                                    \
    X(TEE_TCB_SVN2, "tee_tcb_svn2", TD15, 584, 16)                                                                     \
    X(MR_SERVICETD, "mr_servicetd", TD15, 600, 48)                                                                     \
    X(VM_ID, "vm_id", TD15EX, 648, 1)                                                                                  \
    X(TD_ID, "td_id", TD15EX, 649, 32)                                                                                 \
    X(DEVICE_INFO, "device_info", TD15EX, 681, 48)                                                                     \
    X(INIT_SERVICETD_HASH, "init_servicetd_hash", TD15EX, 729, 48)                                                     \
    X(INIT_SERVICETD_ATTRIBUTES, "init_servicetd_attributes", TD15EX, 777, 8)                                          \
    X(INIT_CPUSVN, "init_cpusvn", TD15EX, 785, 16)                                                                     \
    X(INIT_TEE_TCB_SVN, "init_tee_tcb_svn", TD15EX, 801, 16)                                                           \
    X(INIT_FMSPC, "init_fmspc", TD15EX, 817, 12)                                                                       \
    X(SERVICETD_HASH, "servicetd_hash", TD15EX, 829, 48)                                                               \
    X(SERVICETD_ATTRIBUTES, "servicetd_attributes", TD15EX, 877, 8)

enum dcap_field {
#define X(name, json, body, offset, len) DCAP_FIELD_##name,
    DCAP_FIELDS(X)
#undef X
        DCAP_FIELD_COUNT
};

struct dcap_quote {
    uint16_t version;
    enum dcap_tee tee;
    enum dcap_body type;
    struct bytes body;           // of the type's size
    struct bytes signed_bytes;   // header and body
    const uint8_t *signature;    // 64: r ‖ s
    const uint8_t *key;          // 64: x ‖ y of the attestation key
    const uint8_t *qe_report;    // 384
    const uint8_t *qe_signature; // 64
    struct bytes qe_auth;        // what the QE report's data covers beside the key
    uint16_t certification;      // type of what says which PCK key signed the QE report; 5: a chain in PEM
    struct bytes certification_data;
    size_t trailing; // bytes behind the quote, which nothing vouches for
};

// Slices into the bytes. False with a code about the part QUOTE.
[[nodiscard]] bool dcap_quote_parse(struct dcap_quote *q, struct bytes quote, struct dcap_fault *f);
// The field's bytes; {NULL, 0} where such a body has none.
struct bytes dcap_quote_field(const struct dcap_quote *q, enum dcap_field field);
// Where they are, or NULL.
const uint8_t *dcap_quote_at(const struct dcap_quote *q, enum dcap_field field);
// 64 bytes, of either TEE.
struct bytes dcap_quote_report_data(const struct dcap_quote *q);
const char *dcap_field_name(enum dcap_field field);
// Of an SGX enclave's report of 384 bytes: the quote's own or the quoting enclave's.
struct bytes dcap_report_field(const uint8_t *report, enum dcap_field field);
