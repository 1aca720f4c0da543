// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a quote or with what it is verified by. A fault is a code (what), a part (of what) and a
// number (which one, how much, until when); the sentence is made of these where somebody reads it, so that the core
// carries none.
#pragma once
#include "dcap/bytes.h"

// name, class, sentence about the part (it begins with a verb; the part's name stands before it)
//   FALSE: the quote proves nothing: forged, revoked, or without a level; no other collateral mends that
//   UNCHECKABLE: a part is missing, unreadable, expired or another platform's; with the right part it may hold
#define DCAP_CODES(X)                                                                                                  \
    X(OK, UNCHECKABLE, "has nothing wrong")                                                                            \
    /* memory and parts */                                                                                             \
    X(NO_MEMORY, UNCHECKABLE, "is larger than the memory that was lent for it")                                        \
    X(PART_MISSING, UNCHECKABLE, "is missing")                                                                         \
    X(PART_FORMAT, UNCHECKABLE, "is not in the form in which verified parts are kept")                                 \
    X(COLLATERAL_FORMAT, UNCHECKABLE, "is not one JSON object with the members of a collateral object")                \
    /* DER, PEM, JSON */                                                                                               \
    X(PEM_FORMAT, UNCHECKABLE, "is not PEM with nothing between and behind its certificates")                          \
    X(HEX_FORMAT, UNCHECKABLE, "is not hexadecimal text of the right length")                                          \
    X(JSON_FORMAT, UNCHECKABLE, "is not valid JSON")                                                                   \
    X(JSON_DUPLICATE, UNCHECKABLE, "has a member twice")                                                               \
    X(JSON_MEMBER, UNCHECKABLE, "lacks a member that it must have")                                                    \
    X(JSON_VALUE, UNCHECKABLE, "has a member whose value is of the wrong type, length or range")                       \
    X(TOO_MANY, UNCHECKABLE, "has more entries than this verifier takes")                                              \
    /* the quote's form */                                                                                             \
    X(QUOTE_FORMAT, UNCHECKABLE, "is shorter than its own lengths say, or its pieces do not fill it exactly")          \
    X(QUOTE_VERSION, UNCHECKABLE, "is of a version other than 3, 4 and 5")                                             \
    X(QUOTE_KEY_TYPE, UNCHECKABLE, "is signed by another algorithm than ECDSA with P-256")                             \
    X(QUOTE_TEE_TYPE, UNCHECKABLE, "is neither of SGX nor of TDX, or of one that its version does not have")           \
    X(QUOTE_VENDOR, UNCHECKABLE, "was made by a quoting enclave of another vendor than Intel")                         \
    X(QUOTE_BODY, UNCHECKABLE, "has a body whose type and size do not belong together")                                \
    X(QUOTE_CERTIFICATION, UNCHECKABLE, "carries certification data other than a chain of PCK certificates")           \
    /* certificates */                                                                                                 \
    X(CERT_FORMAT, UNCHECKABLE, "is not an X.509 certificate of the form that Intel issues")                           \
    X(CERT_ALGORITHM, UNCHECKABLE, "is signed by another algorithm than ECDSA with SHA-256")                           \
    X(CERT_EXTENSION, FALSE, "has a critical extension that is unknown, or one that it must not have")                 \
    X(CERT_KEY, FALSE, "has a key that is no point of the curve P-256")                                                \
    X(CERT_NAME, FALSE, "has a subject other than the one that such a certificate has")                                \
    X(CERT_NOT_CA, FALSE, "is signed by a certificate that may sign none")                                             \
    X(CERT_IS_CA, FALSE, "is a certificate of an authority where one of a leaf belongs")                               \
    X(CERT_USAGE, FALSE, "has a key that may not be used for such signatures")                                         \
    X(CERT_SIGNATURE, FALSE, "is not signed by the key of its issuer")                                                 \
    X(CERT_EXPIRED, UNCHECKABLE, "has expired")                                                                        \
    X(CERT_NOT_YET_VALID, UNCHECKABLE, "is not valid yet")                                                             \
    X(CERT_REVOKED, FALSE, "is revoked by its issuer")                                                                 \
    X(CHAIN_LENGTH, UNCHECKABLE, "does not have exactly the certificates that it must have, leaf first")               \
    X(CHAIN_ORDER, FALSE, "names an issuer that is not the certificate behind it")                                     \
    X(UNTRUSTED_ROOT, FALSE, "does not end in the root key that is trusted")                                           \
    /* revocation lists */                                                                                             \
    X(CRL_FORMAT, UNCHECKABLE, "is not a revocation list of the form that Intel issues")                               \
    X(CRL_ALGORITHM, UNCHECKABLE, "is signed by another algorithm than ECDSA with SHA-256")                            \
    X(CRL_EXTENSION, FALSE, "has an extension that is unknown and critical, or lacks one that it must have")           \
    X(CRL_ISSUER, UNCHECKABLE, "is a revocation list of another issuer")                                               \
    X(CRL_SIGNATURE, FALSE, "is not signed by the key of its issuer")                                                  \
    X(CRL_EXPIRED, UNCHECKABLE, "has expired")                                                                         \
    X(CRL_NOT_YET_VALID, UNCHECKABLE, "was issued in the future")                                                      \
    /* the PCK certificate's extension */                                                                              \
    X(PCK_FORMAT, UNCHECKABLE, "has no readable description of its platform")                                          \
    X(FMSPC_MISMATCH, UNCHECKABLE, "is of another platform (FMSPC) than the quote's PCK certificate")                  \
    X(PCEID_MISMATCH, UNCHECKABLE, "is of another provisioning enclave (PCEID) than the quote's PCK certificate")      \
    /* TCB info and QE identity */                                                                                     \
    X(TCB_INFO_VERSION, UNCHECKABLE, "is TCB info of another version than 3")                                          \
    X(TCB_INFO_TEE, UNCHECKABLE, "is TCB info of SGX where the quote is of TDX, or the other way round")               \
    X(TCB_INFO_TYPE, UNCHECKABLE, "composes its levels in a way that is not known (tcbType)")                          \
    X(TCB_COMPONENTS, UNCHECKABLE, "does not have exactly 16 components in each level")                                \
    X(TCB_LEVELS, UNCHECKABLE, "has no level, or the same level twice")                                                \
    X(TCB_STATUS, UNCHECKABLE, "has a status that is not known")                                                       \
    X(QE_IDENTITY_VERSION, UNCHECKABLE, "is an enclave identity of another version than 2")                            \
    X(QE_IDENTITY_ID, UNCHECKABLE, "is the identity of another enclave than the one that signs such quotes")           \
    X(SIGNATURE_FORMAT, FALSE, "has a signature with a number of 0 or of the curve's order or more")                   \
    X(SIGNATURE, FALSE, "is not signed by the key of its issuer")                                                      \
    X(EXPIRED, UNCHECKABLE, "has expired")                                                                             \
    X(NOT_YET_VALID, UNCHECKABLE, "was issued in the future")                                                          \
    X(TCB_EVAL_TOO_OLD, UNCHECKABLE, "is of an older set (tcbEvaluationDataNumber) than the lowest one allowed")       \
    X(ROLLED_BACK, UNCHECKABLE, "is not newer than the one that is known")                                             \
    /* the quote's truth */                                                                                            \
    X(QE_REPORT_SIGNATURE, FALSE, "is not signed by the platform's PCK key")                                           \
    X(QE_REPORT_DATA, FALSE, "does not vouch for the key that signed the quote")                                       \
    X(QUOTE_KEY, FALSE, "was signed by a key that is no point of the curve P-256")                                     \
    X(QUOTE_SIGNATURE, FALSE, "is not signed by its attestation key")                                                  \
    X(QE_MRSIGNER, FALSE, "is of an enclave that Intel did not sign")                                                  \
    X(QE_ISVPRODID, FALSE, "is of another product than the quoting enclave")                                           \
    X(QE_MISCSELECT, FALSE, "has another MISCSELECT than the quoting enclave")                                         \
    X(QE_ATTRIBUTES, FALSE, "has other attributes than the quoting enclave")                                           \
    X(QE_DEBUG, FALSE, "is of a quoting enclave that runs in debug mode")                                              \
    X(QE_NOT_SUPPORTED, FALSE, "has an SVN below every level of the quoting enclave's identity")                       \
    X(TDX_MODULE_MISMATCH, FALSE, "is not a TDX module that the TCB info describes")                                   \
    X(TDX_MODULE_NOT_SUPPORTED, FALSE, "has an SVN below every level of its identity")                                 \
    X(TCB_NOT_SUPPORTED, FALSE, "is below every level of its TCB info")                                                \
    /* event logs */                                                                                                   \
    X(LOG_FORMAT, UNCHECKABLE, "is not an event log in one of the two known forms")                                    \
    X(LOG_DIGEST, FALSE, "has an event whose digest is not the one of its name and payload")                           \
    X(LOG_MISMATCH, FALSE, "does not end in the register's value")                                                     \
    X(LOG_DUPLICATE, FALSE, "has an event twice that must be there once")                                              \
    X(LOG_LATE, FALSE, "has an event behind system-ready that must stand before it")                                   \
    X(LOG_EVENT_MISSING, FALSE, "lacks an event that it must have")

enum dcap_code {
#define X(name, class, sentence) DCAP_##name,
    DCAP_CODES(X)
#undef X
};
enum dcap_class { DCAP_FALSE, DCAP_UNCHECKABLE };

// name, words for the sentence's beginning
#define DCAP_PARTS(X)                                                                                                  \
    X(NOTHING, "the input")                                                                                            \
    X(QUOTE, "the quote")                                                                                              \
    X(PCK_CHAIN, "the quote's PCK certificate chain")                                                                  \
    X(PCK_CERT, "the quote's PCK certificate")                                                                         \
    X(PCK_CA, "the PCK certificate authority")                                                                         \
    X(ROOT_CA, "the root certificate")                                                                                 \
    X(QE_REPORT, "the quoting enclave's report")                                                                       \
    X(PLATFORM, "the platform")                                                                                        \
    X(TDX_MODULE, "the TDX module")                                                                                    \
    X(TD, "the trust domain")                                                                                          \
    X(COLLATERAL, "the collateral")                                                                                    \
    X(TCB_INFO, "the TCB info")                                                                                        \
    X(TCB_INFO_CHAIN, "the TCB info's issuer chain")                                                                   \
    X(QE_IDENTITY, "the QE identity")                                                                                  \
    X(QE_IDENTITY_CHAIN, "the QE identity's issuer chain")                                                             \
    X(TCB_SIGNER, "the TCB signing certificate")                                                                       \
    X(ROOT_CRL, "the root CA's revocation list")                                                                       \
    X(PCK_CRL, "the PCK revocation list")                                                                              \
    X(PCK_CRL_CHAIN, "the PCK revocation list's issuer chain")                                                         \
    X(EVENT_LOG, "the event log")

enum dcap_part {
#define X(name, words) DCAP_PART_##name,
    DCAP_PARTS(X)
#undef X
};

// A function that can fail returns bool and takes its fault last: true leaves it untouched, false has filled it.
struct dcap_fault {
    enum dcap_code code;
    enum dcap_part part;
    uint64_t detail; // EXPIRED and the like: seconds since 1970; members and levels: their index; or 0
};
bool dcap_fail(struct dcap_fault *f, enum dcap_code code, enum dcap_part part); // false; the detail is 0
bool dcap_fail_with(struct dcap_fault *f, enum dcap_code code, enum dcap_part part, uint64_t detail);

enum dcap_class dcap_code_class(enum dcap_code code);
const char *dcap_code_name(enum dcap_code code);     // "TCB_NOT_SUPPORTED"
const char *dcap_code_sentence(enum dcap_code code); // "is below every level of its TCB info"
const char *dcap_part_words(enum dcap_part part);    // "the platform"
