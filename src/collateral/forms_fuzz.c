// SPDX-License-Identifier: Apache-2.0
// What collateral servers and people hand over: a quote, a revocation list, an issuer chain in a header, a signed text
// in a body. Laws: what is found fits its limits; a signed text stands in its body and is an object by itself; a chain
// that was decoded has only characters of PEM. Canary: the seeds reach an accepted text of each kind.
#include "codec/json.h"
#include "collateral/forms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"tcbInfo", "enclaveIdentity", "tcbEvaluationDataNumbers"};
    SCOPED_ARENA(a);
    struct slice in = slice_of(data, size), out;
    struct signed_text text;
    if (quote_read(&out, a, in, NULL))
        BUG_ON(out.len > DCAP_QUOTE_MAX);
    if (crl_read(&out, a, in, NULL))
        BUG_ON(!out.len || out.ptr[0] != 0x30);
    if (chain_read(&out, a, arena_text(a, in), NULL))
        for (size_t i = 0; i < out.len; i++)
            BUG_ON(out.ptr[i] > 0x7e || !out.ptr[i]);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!signed_text_read(&text, in, names[i], NULL))
            continue;
        BUG_ON(text.text.ptr < data || text.text.ptr + text.text.len > data + size);
        BUG_ON(text.text.ptr[0] != '{' || !json_check(text.text, 32, NULL));
    }
    return 0;
}
