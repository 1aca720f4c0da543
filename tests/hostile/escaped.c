// SPDX-License-Identifier: Apache-2.0
// An executor whose guests have escaped: the real one, with the engine's functions for running and validating replaced
// at link time (--wrap), so that all that the executor does about confinement before them has been done. A run whose
// input begins with the marker makes the attempt which that names; so does the compilation of a module that has it.
// Everything else goes to the engine, so that a slot can be shown to serve the next run.
#include "escaped.h"

#include "attempt.h"
#include "wasm/engine.h"

void __real_engine_run(struct engine *g, const struct engine_run *r, struct engine_outcome *out);
void __wrap_engine_run(struct engine *g, const struct engine_run *r, struct engine_outcome *out);
bool __real_engine_validate(struct slice wasm, enum wasm_kind kind, struct err *e);
bool __wrap_engine_validate(struct slice wasm, enum wasm_kind kind, struct err *e);

// MARKER NAME FACT=VALUE…: one line of words in `order`; the answer is NAME held|broke WHY.
static void make(struct slice order, char *answer, size_t size) {
    static char text[1024];
    static char *words[32];
    struct ground g;
    struct note n = {""};
    size_t count = 0, len = order.len < sizeof text - 1 ? order.len : sizeof text - 1;
    memcpy(text, order.ptr, len);
    for (char *save = NULL, *w = strtok_r(text, " \n", &save); w && count < ARRAY_LEN(words);
         w = strtok_r(NULL, " \n", &save))
        words[count++] = w;
    const struct attempt *a = count ? attempt_named(words[0]) : NULL;
    if (!a || !ground_read(&g, words + 1, count - 1)) {
        snprintf(answer, size, "no such attempt");
        return;
    }
    enum verdict v = a->try(&g, a->arg, &n);
    snprintf(answer, size, "%s %s %s\n", a->name, v == BROKE ? "broke" : "held", n.text);
}

static bool order_in(struct slice bytes, struct slice *order) {
    static const char marker[] = ESCAPED_MARKER;
    const uint8_t *at = bytes.len ? memmem(bytes.ptr, bytes.len, marker, sizeof marker - 1) : NULL;
    if (at)
        *order = slice_skip(bytes, (size_t)(at - bytes.ptr) + sizeof marker - 1);
    return at;
}

void __wrap_engine_run(struct engine *g, const struct engine_run *r, struct engine_outcome *out) {
    struct slice order;
    char answer[400];
    if (!order_in(r->input, &order)) {
        __real_engine_run(g, r, out);
        return;
    }
    make(order, answer, sizeof answer);
    *out = (struct engine_outcome){.end = ENGINE_RETURNED};
    buf_add_slice(r->output, slice_str(answer));
}

bool __wrap_engine_validate(struct slice wasm, enum wasm_kind kind, struct err *e) {
    struct slice order;
    char answer[400];
    if (!order_in(wasm, &order))
        return __real_engine_validate(wasm, kind, e);
    make(order, answer, sizeof answer);
    return err_set(e, ERR_INVALID, "%s", answer);
}
