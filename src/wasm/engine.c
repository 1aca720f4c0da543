// SPDX-License-Identifier: Apache-2.0
#include "wasm/engine.h"

#include "base/text.h"
#include "wasm/memory.h"
#include <errno.h>
#include <wasmtime/component.h>

// third_party/wasmtime/src
struct outlayer_refusal {
    const char *feature, *remedy; // NULL: no feature is the reason
    uint64_t offset;
    char text[256];
};
bool outlayer_validate(const uint8_t *bytes, size_t len, struct outlayer_refusal *out);
struct outlayer_end {
    bool exited;
    int32_t status, trap; // trap: -1 none
    char text[400];
};
void outlayer_error_end(wasmtime_error_t *error, struct outlayer_end *out); // frees the error
wasmtime_error_t *outlayer_link_http(wasmtime_component_linker_t *linker);
void outlayer_use_http(wasmtime_context_t *context, enum engine_connect_end (*connect)(void *, struct engine_connect *),
                       void *ctx, const uint8_t *roots, size_t roots_len);
struct outlayer_meter {
    bool (*charge)(void *ctx, uint64_t instructions);
    void *ctx;
    uint64_t call, byte, random, poll, write;
    uint64_t environment, arguments; // bytes of them, as P1 hands them out
};
wasmtime_error_t *outlayer_linker_define_p1(wasmtime_linker_t *linker);
wasmtime_error_t *outlayer_linker_define_p2(wasmtime_component_linker_t *linker);
// On the thread that runs the guest. `p1` (owned from here on) is a P1 guest's; NULL for a component, whose store has
// it.
wasmtime_error_t *outlayer_run_begin(const struct outlayer_meter *meter, wasi_config_t *p1);
void outlayer_run_end(void);

struct engine {
    wasm_engine_t *wasm;
    wasmtime_linker_t *p1;
    wasmtime_component_linker_t *p2;
    struct engine_memory memory; // of the run that is on
};

const char *engine_version(void) { return "wasmtime-" WASMTIME_VERSION "-r3"; }

// For rewritten modules: what guests may use is decided by engine_validate; the counter needs 64-bit and several
// memories besides.
static wasm_config_t *configure(const struct engine_memory *memory, bool canonical_nans) {
    wasm_config_t *c = wasm_config_new();
    wasmtime_config_wasm_component_model_set(c, true);
    wasmtime_config_wasm_bulk_memory_set(c, true);
    wasmtime_config_wasm_multi_value_set(c, true);
    wasmtime_config_wasm_simd_set(c, true);
    wasmtime_config_wasm_relaxed_simd_set(c, false);
    wasmtime_config_wasm_tail_call_set(c, false);
    wasmtime_config_wasm_memory64_set(c, true);
    wasmtime_config_wasm_multi_memory_set(c, true);
    wasmtime_config_concurrency_support_set(c, false);
    wasmtime_config_memory_init_cow_set(c, false);
    wasmtime_config_wasm_branch_hinting_set(c, true); // the rewriter's own
    // A NaN has the same bits on every processor, so that anybody can recompute a run.
    wasmtime_config_cranelift_nan_canonicalization_set(c, canonical_nans);
    wasmtime_config_cranelift_opt_level_set(c, WASMTIME_OPT_LEVEL_SPEED);
    memory_use(c, memory);
    return c;
}

// Frees the error; its reasons, outermost first, go to *out.
static void reasons_of(wasmtime_error_t *error, char *out, size_t size) {
    struct outlayer_end end;
    outlayer_error_end(error, &end);
    snprintf(out, size, "%s", end.text);
    text_repair(out);
}

static bool take_error(wasmtime_error_t *error, enum err_code code, const char *what, struct err *e) {
    if (!error)
        return true;
    char text[400];
    reasons_of(error, text, sizeof text);
    return err_set(e, code, "%s: %s", what, text);
}

static bool new_engine(struct engine **out, bool canonical_nans, struct err *e) {
    struct engine *g = xcalloc(1, sizeof *g);
    g->memory.page_fd = -1;
    g->wasm = wasm_engine_new_with_config(configure(&g->memory, canonical_nans));
    g->p1 = wasmtime_linker_new(g->wasm);
    g->p2 = wasmtime_component_linker_new(g->wasm);
    bool ok = take_error(outlayer_linker_define_p1(g->p1), ERR_INTERNAL, "cannot set WASI up", e) &&
              take_error(outlayer_linker_define_p2(g->p2), ERR_INTERNAL, "cannot set WASI P2 up", e) &&
              take_error(outlayer_link_http(g->p2), ERR_INTERNAL, "cannot set wasi:http up", e);
    if (!ok) {
        engine_free(g);
        return false;
    }
    *out = g;
    return true;
}

bool engine_new(struct engine **out, struct err *e) { return new_engine(out, true, e); }
bool engine_new_uncanonical(struct engine **out, struct err *e) { return new_engine(out, false, e); }

void engine_free(struct engine *g) {
    if (!g)
        return;
    wasmtime_linker_delete(g->p1);
    wasmtime_component_linker_delete(g->p2);
    wasm_engine_delete(g->wasm);
    free(g);
}

bool engine_validate(struct slice wasm, enum wasm_kind kind, struct err *e) {
    const char *what = kind == WASM_CORE ? "module" : "component";
    struct outlayer_refusal why;
    if (outlayer_validate(wasm.ptr, wasm.len, &why))
        return true;
    unsigned long long at = why.offset;
    if (!why.feature) {
        text_repair(why.text);
        return err_set(e, ERR_INVALID, "not a valid %s: %s at offset %llu", what, why.text, at);
    }
    return err_set(e, ERR_INVALID, "the %s uses %s at offset %llu, which guests may not use; %s", what, why.feature, at,
                   why.remedy);
}

bool engine_compile(struct engine *g, struct slice rewritten, enum wasm_kind kind, struct buf *out, struct err *e) {
    wasm_byte_vec_t bytes = {0};
    bool ok;
    if (kind == WASM_CORE) {
        wasmtime_module_t *m = NULL;
        ok = take_error(wasmtime_module_new(g->wasm, rewritten.ptr, rewritten.len, &m), ERR_INVALID, "cannot compile",
                        e) &&
             take_error(wasmtime_module_serialize(m, &bytes), ERR_INTERNAL, "cannot serialise", e);
        if (m)
            wasmtime_module_delete(m);
    } else {
        wasmtime_component_t *c = NULL;
        ok = take_error(wasmtime_component_new(g->wasm, rewritten.ptr, rewritten.len, &c), ERR_INVALID,
                        "cannot compile", e) &&
             take_error(wasmtime_component_serialize(c, &bytes), ERR_INTERNAL, "cannot serialise", e);
        if (c)
            wasmtime_component_delete(c);
    }
    if (ok) {
        buf_add(out, bytes.data, bytes.size);
        wasm_byte_vec_delete(&bytes);
        ok = !out->full || err_set(e, ERR_TOO_LARGE, "the compiled code is larger than %zu bytes", out->cap);
    }
    return ok;
}

// --- a run --------------------------------------------------------------------------------------------------------

// What does not fit is dropped, with a remark in its place: a guest's words about itself are no reason to fail it.
static ptrdiff_t write_errors(void *data, const unsigned char *bytes, size_t n) {
    static const char remark[] = "\n(what followed on standard error was not kept)\n";
    struct buf *b = data;
    size_t room = b->cap > b->len + strlen(remark) ? b->cap - b->len - strlen(remark) : 0;
    if (b->full || n <= room) {
        (void)buf_add(b, bytes, b->full ? 0 : n);
        return (ptrdiff_t)n;
    }
    (void)(buf_add(b, bytes, room) && buf_add_str(b, remark));
    b->full = true;
    return (ptrdiff_t)n;
}

static ptrdiff_t write_output(void *data, const unsigned char *bytes, size_t n) {
    const struct engine_run *r = data;
    if (buf_add(r->output, bytes, n))
        return (ptrdiff_t)n;
    if (r->overflow)
        r->overflow(r->overflow_ctx);
    return -ENOSPC;
}

static bool charge(void *page, uint64_t instructions) { return meter_page_charge(page, instructions); }

static struct outlayer_meter meter_of(const struct engine_run *r) {
    const struct meter_host_prices *p = &meter_host_outlayer;
    uint64_t environment = 0;
    for (size_t i = 0; i < r->env_count; i++)
        environment += strlen(r->names[i]) + strlen(r->values[i]) + 2;
    return (struct outlayer_meter){.charge = charge,
                                   .ctx = r->memory.page,
                                   .call = p->call,
                                   .byte = p->byte,
                                   .random = p->random,
                                   .poll = p->poll,
                                   .write = p->write,
                                   .environment = environment,
                                   .arguments = sizeof ENGINE_GUEST_NAME};
}

static bool set_wasi(wasmtime_context_t *context, const struct engine_run *r, struct engine_outcome *out) {
    wasi_config_t *w = wasi_config_new();
    wasm_byte_vec_t input;
    wasm_byte_vec_new(&input, r->input.len, (const char *)r->input.ptr);
    wasi_config_set_stdin_bytes(w, &input);
    wasi_config_set_stdout_custom(w, write_output, (void *)(uintptr_t)r, NULL);
    wasi_config_set_stderr_custom(w, write_errors, r->errors, NULL);
    wasi_config_allow_ip_name_lookup(w, false);
    const char *name = ENGINE_GUEST_NAME;
    (void)wasi_config_set_argv(w, 1, &name); // false: not UTF-8
    if (!wasi_config_set_env(w, r->env_count, r->names, r->values)) {
        wasi_config_delete(w);
        snprintf(out->text, sizeof out->text, "an environment variable is not UTF-8");
        return false;
    }
    const struct outlayer_meter meter = meter_of(r);
    wasmtime_error_t *error = outlayer_run_begin(&meter, r->kind == WASM_CORE ? w : NULL);
    if (!error && r->kind == WASM_COMPONENT)
        error = wasmtime_context_set_wasi(context, w);
    if (!error)
        return true;
    reasons_of(error, out->text, sizeof out->text);
    return false;
}

// Those that a module can run into by itself; the others belong to components and are told by their text.
static const char *name_of(int trap) {
    switch (trap) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW: return "call stack exhausted";
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS: return "out of bounds memory access";
    case WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS: return "out of bounds table access";
    case WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL: return "indirect call to an empty table element";
    case WASMTIME_TRAP_CODE_BAD_SIGNATURE: return "indirect call with another signature";
    case WASMTIME_TRAP_CODE_INTEGER_OVERFLOW: return "integer overflow";
    case WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO: return "integer division by zero";
    case WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER: return "invalid conversion to an integer";
    case WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED: return "unreachable instruction executed";
    case -1: return "a rule of the host was broken";
    default: return NULL; // of components, told by their text
    }
}
// What an error or trap says about the end: exit status, trap code, or a refusal. Once the guest has `begun`, what is
// neither is a rule of the host's that it broke.
static void classify_error(wasmtime_error_t *error, bool begun, struct engine_outcome *out) {
    struct outlayer_end end;
    outlayer_error_end(error, &end);
    out->status = end.status;
    out->trap = end.trap;
    if (end.exited) {
        out->end = ENGINE_EXITED;
        return;
    }
    out->end = end.trap >= 0 || begun ? ENGINE_TRAPPED : ENGINE_REFUSED;
    if (!name_of(end.trap))
        out->trap = -1;
    snprintf(out->text, sizeof out->text, "%s", end.text);
    text_repair(out->text);
}

static void classify_trap(wasm_trap_t *trap, struct engine_outcome *out) {
    wasmtime_trap_code_t code = WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED;
    out->end = ENGINE_TRAPPED;
    out->trap = wasmtime_trap_code(trap, &code) && name_of(code) ? (int)code : -1;
    wasm_message_t text;
    wasm_trap_message(trap, &text);
    snprintf(out->text, sizeof out->text, "%.*s", (int)text.size, text.data);
    text_repair(out->text);
    wasm_byte_vec_delete(&text);
    wasm_trap_delete(trap);
}

static void call_core(struct engine *g, wasmtime_context_t *context, wasmtime_module_t *module,
                      struct engine_outcome *out) {
    wasmtime_instance_t instance;
    wasmtime_extern_t start;
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *error = wasmtime_linker_instantiate(g->p1, context, module, &instance, &trap);
    bool begun = !error && !trap;
    if (begun) {
        if (!wasmtime_instance_export_get(context, &instance, "_start", 6, &start) ||
            start.kind != WASMTIME_EXTERN_FUNC) {
            out->end = ENGINE_REFUSED;
            snprintf(out->text, sizeof out->text,
                     "the module exports no function `_start`: build a program, not a library");
            return;
        }
        error = wasmtime_func_call(context, &start.of.func, NULL, 0, NULL, 0, &trap);
    }
    if (error)
        classify_error(error, begun, out);
    else if (trap)
        classify_trap(trap, out);
}

static bool find_run(wasmtime_context_t *context, const wasmtime_component_instance_t *instance,
                     wasmtime_component_func_t *out) {
    static const char run_interface[] = "wasi:cli/run@0.2.0"; // finds every 0.2
    wasmtime_component_export_index_t *interface =
        wasmtime_component_instance_get_export_index(instance, context, NULL, run_interface, sizeof run_interface - 1);
    if (!interface)
        return false;
    wasmtime_component_export_index_t *run =
        wasmtime_component_instance_get_export_index(instance, context, interface, "run", 3);
    bool ok = run && wasmtime_component_instance_get_func(instance, context, run, out);
    wasmtime_component_export_index_delete(interface);
    if (run)
        wasmtime_component_export_index_delete(run);
    return ok;
}

static void call_component(struct engine *g, wasmtime_context_t *context, wasmtime_component_t *component,
                           struct engine_outcome *out) {
    wasmtime_component_instance_t instance;
    wasmtime_component_func_t run;
    wasmtime_error_t *error = wasmtime_component_linker_instantiate(g->p2, context, component, &instance);
    bool begun = !error;
    if (begun) {
        if (!find_run(context, &instance, &run)) {
            out->end = ENGINE_REFUSED;
            snprintf(out->text, sizeof out->text,
                     "the component exports no `wasi:cli/run`: build a program, not a library");
            return;
        }
        wasmtime_component_val_t result = {0};
        error = wasmtime_component_func_call(&run, context, NULL, 0, &result, 1);
        if (!error) {
            bool failed = result.kind == WASMTIME_COMPONENT_RESULT && !result.of.result.is_ok;
            out->end = failed ? ENGINE_EXITED : ENGINE_RETURNED;
            out->status = failed;
            wasmtime_component_val_delete(&result);
            return;
        }
    }
    classify_error(error, begun, out);
}

static bool load(struct engine *g, const struct engine_run *r, wasmtime_module_t **module,
                 wasmtime_component_t **component) {
    wasmtime_error_t *error = r->kind == WASM_CORE
                                  ? wasmtime_module_deserialize(g->wasm, r->code.ptr, r->code.len, module)
                                  : wasmtime_component_deserialize(g->wasm, r->code.ptr, r->code.len, component);
    if (error)
        wasmtime_error_delete(error);
    return !error;
}

void engine_run(struct engine *g, const struct engine_run *r, struct engine_outcome *out) {
    wasmtime_module_t *module = NULL;
    wasmtime_component_t *component = NULL;
    *out = (struct engine_outcome){.end = ENGINE_RETURNED};
    g->memory = r->memory;
    if (!load(g, r, &module, &component)) {
        out->end = ENGINE_STALE;
        return;
    }
    wasmtime_store_t *store = wasmtime_store_new(g->wasm, NULL, NULL);
    wasmtime_context_t *context = wasmtime_store_context(store);
    if (!set_wasi(context, r, out)) {
        out->end = ENGINE_REFUSED;
    } else if (module) {
        call_core(g, context, module, out);
    } else {
        outlayer_use_http(context, r->connect, r->connect_ctx, r->roots.ptr, r->roots.len);
        call_component(g, context, component, out);
    }
    if (out->end == ENGINE_EXITED && out->status == 0)
        out->end = ENGINE_RETURNED;
    wasmtime_store_delete(store);
    outlayer_run_end();
    if (module)
        wasmtime_module_delete(module);
    if (component)
        wasmtime_component_delete(component);
}

const char *engine_trap_text(int trap) {
    const char *name = name_of(trap);
    return name ? name : "a rule of the host was broken";
}
