// SPDX-License-Identifier: Apache-2.0
// Texts without escapes, in place of the SDK's put_string.
#include "dcap/json.h"
#include "model.h"

bool plain(struct text t) {
    const uint8_t *p = (const uint8_t *)t.ptr;
    return !t.len || dcap_json_plain_end(p, p + t.len) == p + t.len;
}

// All texts that this contract keeps or shows are plain.
void put_string(struct out *o, struct text t) {
    if (!t.ptr) {
        put_null(o);
        return;
    }
    require(plain(t), "A text has characters that this contract does not show");
    put_value(o, TEXT("\""));
    out_raw(o, t);
    out_char(o, '"');
}
