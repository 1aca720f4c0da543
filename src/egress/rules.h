// SPDX-License-Identifier: Apache-2.0
// Whom guests and fetches may be connected to, as this machine's operator says: public addresses at certain ports, and
// exceptions by name or range. Read once; the same text is read by the worker, which refuses what cannot be read, and
// by the broker, which judges.
#pragma once
#include "base/err.h"
#include "egress/address.h"

enum egress_kind {
    EGRESS_GUEST, // a run
    EGRESS_FETCH, // the builder's proxy: https alone; the package registry's hosts wherever this machine's names say
};

struct egress_rules;
// allow: "name:port,10.0.0.0/8:8080,[fd00::]/8:443,…", exceptions that hold whatever else is refused; NULL or "": none.
// ports: "80,443,1024-65535" for guests; NULL or "": these. ERR_SETTINGS names the entry that cannot be read.
[[nodiscard]] bool egress_rules_new(struct egress_rules **out, const char *allow, const char *ports, struct err *e);
void egress_rules_free(struct egress_rules *r); // NULL is fine

// False where no address of this name can be reached at this port, so that the name need not be looked up.
bool egress_rules_port(const struct egress_rules *r, enum egress_kind kind, const char *name, uint16_t port);
// name: as the client asked, an address or a name that led to `a`. near: `a` is this machine's or a neighbour's
// (ways.h).
bool egress_rules_judge(const struct egress_rules *r, enum egress_kind kind, const char *name, struct address a,
                        uint16_t port, bool near);
