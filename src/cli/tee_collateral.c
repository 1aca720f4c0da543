// SPDX-License-Identifier: Apache-2.0
#include "cli/tee_collateral.h"

#include "base/sync.h"
#include "collateral/platform.h"

#define FETCH_MS 60000

void tee_trust(const struct tee_job *j, struct dcap_trust *out) {
    if (j->config.simulated)
        dcap_trust_root(out, j->config.root_key);
    else
        dcap_trust_intel(out);
}

static bool read_addresses(const struct tee_job *j, struct pcs_addresses *out, struct err *e) {
    return pcs_addresses_read(out, j->a, tee_setting(j, j->o->pccs_url, "PCCS_URL", "pccs_url"), e);
}

bool tee_check_sources(const struct tee_job *j, struct err *e) {
    struct pcs_addresses addresses;
    struct collateral c;
    return j->o->collateral ? collateral_load(&c, j->a, j->o->collateral, e) : read_addresses(j, &addresses, e);
}

bool tee_fetch_collateral(const struct tee_job *j, struct slice quote, const char *set, struct fetched *out,
                          struct err *e) {
    struct dcap_trust trust;
    struct dcap_fault fault;
    struct quote_platform platform;
    struct pcs_addresses addresses;
    uint64_t now;
    tee_trust(j, &trust);
    if (!read_addresses(j, &addresses, e) || !registry_now(&j->registry, j->a, &now, e))
        return false;
    if (!quote_platform_of(&platform, quote, &trust, now, &fault))
        return collateral_fault_err(&fault, now, e);
    const struct fetch fetch = {.addresses = &addresses,
                                .platform = &platform,
                                .set = set,
                                .trust = &trust,
                                .now = now,
                                .patience = {.deadline_ms = deadline_in(FETCH_MS)}};
    return collateral_fetch(out, j->a, &fetch, e);
}

bool tee_find_collateral(void *job, struct arena *a, struct slice quote, json_t **out, struct err *e) {
    const struct tee_job *j = job;
    struct fetched *fetched = arena_calloc(a, 1, sizeof *fetched);
    if (j->o->collateral ? !collateral_load(&fetched->c, a, j->o->collateral, e)
                         : !tee_fetch_collateral(j, quote, "standard", fetched, e))
        return false;
    *out = collateral_json(&fetched->c, a);
    return true;
}
