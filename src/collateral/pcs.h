// SPDX-License-Identifier: Apache-2.0
// Client of Intel's Provisioning Certification Service (v4) and of caches that speak like it (PCCS). It asks one
// address for everything that one kind of platform needs and says what came, or why not; nothing of it is verified
// here: a server may be stale, lie, or be somebody else's.
#pragma once
#include "base/patience.h"
#include "collateral/object.h"
#include "http/client.h"

#define PCS_ADDRESSES_MAX 8
#define PCS_INTEL "https://api.trustedservices.intel.com"
#define PCS_ANSWER_MAX (1u << 20)

struct pcs_addresses {
    size_t count;
    const char *at[PCS_ADDRESSES_MAX]; // without what follows the service's own path
};
// A list as in PCCS_URL: addresses with commas between them; NULL or "": Intel's. What quoting services are configured
// with, …/sgx/certification/v4/, is fine.
[[nodiscard]] bool pcs_addresses_read(struct pcs_addresses *out, struct arena *a, const char *list, struct err *e);

// What is asked for. `set` chooses among Intel's TCB recovery sets: "standard", "early", or a number.
struct pcs_wish {
    bool tdx; // TDX guests; false: SGX enclaves
    const char *fmspc;
    const char *ca; // "processor" or "platform": who issued the platform's PCK certificate
    const char *set;
};
// Whether a text is one of those; *number is 0 unless it is a number.
[[nodiscard]] bool pcs_set_read(const char *text, uint64_t *number, struct err *e);

// Intel's signed list of its sets' numbers, as served.
struct pcs_numbers {
    struct slice text, signature, issuer_chain;
};

enum pcs_piece { PCS_NUMBERS, PCS_TCB_INFO, PCS_QE_IDENTITY, PCS_PCK_CRL, PCS_ROOT_CRL, PCS_PIECES };
const char *pcs_piece_name(enum pcs_piece p);
struct pcs_answer {
    const char *address;
    struct collateral collateral; // what came of it
    struct pcs_numbers numbers;
    bool had[PCS_PIECES];
    struct err why[PCS_PIECES]; // of what did not come
    unsigned asked;             // how many requests it took
};

// Asks one address for all pieces, one after the other. A server in trouble is asked again with growing pauses (what it
// says in Retry-After counts), as long as the patience lasts; an address that cannot be reached is given up for the
// pieces behind, too, for the same reason. The texts live in `a`.
void pcs_ask(struct pcs_answer *out, struct arena *a, struct http_client *http, const char *address,
             const struct pcs_wish *wish, const struct patience *p);
