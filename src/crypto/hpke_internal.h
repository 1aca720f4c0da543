// SPDX-License-Identifier: Apache-2.0
// HPKE with a given ephemeral key and additional data, as the vectors of RFC 9180 have them. For hpke.c and its test:
// an ephemeral key that is used twice gives the plaintexts away.
#pragma once
#include "crypto/hpke.h"

struct hpke_texts {
    struct slice info, aad, plain;
};
[[nodiscard]] bool hpke_seal_with(struct arena *a, const struct hpke_pair *ephemeral,
                                  const uint8_t public[static HPKE_KEY], const struct hpke_texts *t, struct slice *out,
                                  struct err *e);
