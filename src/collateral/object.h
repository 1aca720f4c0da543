// SPDX-License-Identifier: Apache-2.0
// The collateral object: everything that Intel signed about one kind of platform and that a quote is judged by, as the
// nine texts in which register contracts, dcap-qvl and Phala's service exchange it. In memory the revocation lists are
// DER, the signatures bytes; what is missing is empty. Nothing here says that any of it is true.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"

#define COLLATERAL_FILE_MAX (4u << 20)

// X(name of the member and field, part it belongs to, how the file spells it)
#define COLLATERAL_MEMBERS(X)                                                                                          \
    X(pck_crl_issuer_chain, COLLATERAL_PCK_CRL, MEMBER_TEXT)                                                           \
    X(root_ca_crl, COLLATERAL_ROOT_CRL, MEMBER_CRL)                                                                    \
    X(pck_crl, COLLATERAL_PCK_CRL, MEMBER_CRL)                                                                         \
    X(tcb_info_issuer_chain, COLLATERAL_TCB_INFO, MEMBER_TEXT)                                                         \
    X(tcb_info, COLLATERAL_TCB_INFO, MEMBER_TEXT)                                                                      \
    X(tcb_info_signature, COLLATERAL_TCB_INFO, MEMBER_SIGNATURE)                                                       \
    X(qe_identity_issuer_chain, COLLATERAL_QE_IDENTITY, MEMBER_TEXT)                                                   \
    X(qe_identity, COLLATERAL_QE_IDENTITY, MEMBER_TEXT)                                                                \
    X(qe_identity_signature, COLLATERAL_QE_IDENTITY, MEMBER_SIGNATURE)

// What is issued, verified, replaced and expires as one, in the order of enum dcap_kind.
enum collateral_part {
    COLLATERAL_ROOT_CRL,
    COLLATERAL_PCK_CRL,
    COLLATERAL_TCB_INFO,
    COLLATERAL_QE_IDENTITY,
    COLLATERAL_PARTS, // how many there are
};
const char *collateral_part_name(enum collateral_part p); // "root_crl", "pck_crl", "tcb_info", "qe_identity"

struct collateral {
#define X(name, part, form) struct slice name;
    COLLATERAL_MEMBERS(X)
#undef X
    struct slice pck_certificate_chain; // PEM; a tenth member that some servers add, which is read and not written
};

// Whether all members of a part are there.
bool collateral_has(const struct collateral *c, enum collateral_part p);
void collateral_drop(struct collateral *c, enum collateral_part p);
// Sets one part of `to` to that of `from`, whose bytes it then shares.
void collateral_take(struct collateral *to, const struct collateral *from, enum collateral_part p);
// Copies the bytes of all that is there into `a`.
void collateral_keep(struct collateral *c, struct arena *a);

// From JSON: the nine members (a missing one is empty, one that is there is a text), others are not looked at. Texts
// live in `a`. A list may be hexadecimal, PEM or base64 there.
[[nodiscard]] bool collateral_read(struct collateral *out, struct arena *a, struct slice json, struct err *e);
// The object of what is there; the caller releases it.
json_t *collateral_json(const struct collateral *c, struct arena *a);
// Only the members of one part.
json_t *collateral_part_json(const struct collateral *c, enum collateral_part p, struct arena *a);

[[nodiscard]] bool collateral_load(struct collateral *out, struct arena *a, const char *path, struct err *e);
// Writes the file atomically, mode 0644: nothing in it is secret.
[[nodiscard]] bool collateral_save(const struct collateral *c, struct arena *a, const char *path, struct err *e);
