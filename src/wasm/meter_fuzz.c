// SPDX-License-Identifier: Apache-2.0
// Modules come from strangers' builds: what the rewriter accepts is a valid module again, of one form only, and small
// enough; what it refuses is refused with a reason. Canary: the seeds `loop` and `component` are rewritten and
// compiled.
#include "wasm/engine.h"

#define INPUT_MAX 65536

static void near_law(struct slice in) {
    SCOPED_BUF(first, METER_MODULE_MAX);
    SCOPED_BUF(second, METER_MODULE_MAX);
    struct err e = {0};
    bool ok = meter_rewrite(in, &meter_prices_near, &first, &e);
    BUG_ON(!ok && !e.msg[0]);
    BUG_ON(ok != meter_rewrite(in, &meter_prices_near, &second, &e));
    BUG_ON(ok && !slice_eq(buf_slice(&first), buf_slice(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct engine *engine;
    struct slice in = slice_of(data, size);
    enum wasm_kind kind;
    struct err e = {0};
    BUG_ON(!engine && !engine_new(&engine, &e));
    if (size > INPUT_MAX || !wasm_kind_of(in, &kind, &e) || !engine_validate(in, kind, &e))
        return 0;
    SCOPED_BUF(out, METER_MODULE_MAX);
    SCOPED_BUF(code, METER_MODULE_MAX);
    if (meter_rewrite(in, &meter_prices_outlayer, &out, &e))
        BUG_ON(!engine_compile(engine, buf_slice(&out), kind, &code, &e));
    else
        BUG_ON(!e.msg[0]);
    if (kind == WASM_CORE)
        near_law(in);
    return 0;
}
