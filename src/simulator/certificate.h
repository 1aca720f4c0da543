// SPDX-License-Identifier: Apache-2.0
// Certificates for TLS, as the guest agent has its key service sign them.
#pragma once
#include "simulator/td.h"

#define CERTIFICATE_NAMES_MAX 16

struct certificate_wish {
    const char *subject, *names[CERTIFICATE_NAMES_MAX];
    size_t name_count;
    bool server, client;
    uint64_t not_before, not_after; // seconds
    uint8_t secret[32];             // of the key, P-256
};
// PEM, in the arena: the key (PKCS #8); the certificate, then the authority's.
[[nodiscard]] bool certificate_make(const struct td *t, struct arena *a, const struct certificate_wish *w,
                                    const char **key, const char *chain[2], struct err *e);
