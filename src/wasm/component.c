// SPDX-License-Identifier: Apache-2.0
// Components: each core module inside is rewritten where it stands, nested components as well; all else is copied.
#include "wasm/rewrite.h"

#define NESTING_MAX 16
#define SECTION_CORE_MODULE 1
#define SECTION_COMPONENT 4
#define OUTPUT_MAX (512u << 20)

static bool rewrite(struct slice component, uint64_t offset, struct meter_whole *whole, unsigned depth, struct buf *out,
                    struct err *e);

// One section whose body is a module or a component of its own.
static bool rewrite_nested(const struct wasm_section *s, struct meter_whole *whole, unsigned depth, struct buf *out,
                           struct err *e) {
    SCOPED_BUF(body, OUTPUT_MAX);
    enum wasm_kind kind, want = s->id == SECTION_CORE_MODULE ? WASM_CORE : WASM_COMPONENT;
    if (!wasm_kind_of(s->body, &kind, NULL) || kind != want)
        return wasm_refuse(e, ERR_INVALID, s->offset, "malformed component: an embedded %s has another preamble",
                           want == WASM_CORE ? "module" : "component");
    if (kind == WASM_CORE ? !meter_rewrite_core(s->body, s->offset, whole, &body, e)
                          : !rewrite(s->body, s->offset, whole, depth + 1, &body, e))
        return false;
    if (body.full)
        return wasm_refuse(e, ERR_TOO_LARGE, s->offset, "embedded module too large to be metered");
    buf_add_byte(out, s->id);
    meter_put_u32(out, (uint32_t)body.len);
    buf_add_slice(out, buf_slice(&body));
    return true;
}

static bool rewrite(struct slice component, uint64_t offset, struct meter_whole *whole, unsigned depth, struct buf *out,
                    struct err *e) {
    if (depth > NESTING_MAX)
        return wasm_refuse(e, ERR_LIMIT, offset, "components nested more than %u deep", NESTING_MAX);
    buf_add(out, component.ptr, 8);
    struct wasm_reader r = wasm_reader_of(slice_skip(component, 8), offset + 8);
    while (r.at != r.end) {
        struct wasm_section s;
        if (!wasm_read_section(&r, &s, e))
            return false;
        if (s.id == SECTION_CORE_MODULE || s.id == SECTION_COMPONENT) {
            if (!rewrite_nested(&s, whole, depth, out, e))
                return false;
        } else {
            buf_add_slice(out, s.header);
            buf_add_slice(out, s.body);
        }
    }
    return true;
}

bool meter_rewrite_component(struct slice component, struct meter_whole *whole, struct buf *out, struct err *e) {
    whole->work.bytes = component.len;
    return meter_work_add_component(&whole->work, component, e) &&
           meter_find_reallocs(component, &whole->reallocs, e) && rewrite(component, 0, whole, 0, out, e);
}
