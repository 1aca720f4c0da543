// SPDX-License-Identifier: Apache-2.0
#include "wasm/engine.h"

#include "base/text.h"
#include "wasm/memory.h"
#include <errno.h>
#include <wasmtime/component.h>

// third_party/wasmtime/src/lib.rs
wasmtime_error_t *outlayer_error_trap_code(wasmtime_error_t *error, int32_t *code);

struct engine {
    wasm_engine_t *wasm;
    wasmtime_linker_t *p1;
    wasmtime_component_linker_t *p2;
    struct engine_memory memory; // of the run that is on
};

const char *engine_version(void) { return "wasmtime-" WASMTIME_VERSION "-r1"; }

// What guests may use; the rewriter needs 64-bit and several memories besides, for its counter.
static wasm_config_t *configure(bool rewritten, const struct engine_memory *memory) {
    wasm_config_t *c = wasm_config_new();
    wasmtime_config_wasm_component_model_set(c, true);
    wasmtime_config_wasm_bulk_memory_set(c, true);
    wasmtime_config_wasm_multi_value_set(c, true);
    wasmtime_config_wasm_simd_set(c, true);
    wasmtime_config_wasm_relaxed_simd_set(c, false);
    wasmtime_config_wasm_tail_call_set(c, false);
    wasmtime_config_wasm_memory64_set(c, rewritten);
    wasmtime_config_wasm_multi_memory_set(c, rewritten);
    wasmtime_config_concurrency_support_set(c, false);
    wasmtime_config_memory_init_cow_set(c, false);
    wasmtime_config_cranelift_opt_level_set(c, WASMTIME_OPT_LEVEL_SPEED);
    if (memory)
        memory_use(c, memory);
    return c;
}

// The first line of the library's message: what follows is its own call chain.
static void first_line(wasmtime_error_t *error, char *out, size_t size) {
    wasm_byte_vec_t text;
    wasmtime_error_message(error, &text);
    size_t n = 0;
    while (n < text.size && text.data[n] != '\n')
        n++;
    snprintf(out, size, "%.*s", (int)n, text.data);
    text_repair(out);
    wasm_byte_vec_delete(&text);
}

static bool take_error(wasmtime_error_t *error, enum err_code code, const char *what, struct err *e) {
    if (!error)
        return true;
    char text[300];
    first_line(error, text, sizeof text);
    wasmtime_error_delete(error);
    return err_set(e, code, "%s: %s", what, text);
}

bool engine_new(struct engine **out, struct err *e) {
    struct engine *g = xcalloc(1, sizeof *g);
    g->memory.page_fd = -1;
    g->wasm = wasm_engine_new_with_config(configure(true, &g->memory));
    g->p1 = wasmtime_linker_new(g->wasm);
    g->p2 = wasmtime_component_linker_new(g->wasm);
    bool ok = take_error(wasmtime_linker_define_wasi(g->p1), ERR_INTERNAL, "cannot set WASI up", e) &&
              take_error(wasmtime_component_linker_add_wasip2(g->p2), ERR_INTERNAL, "cannot set WASI P2 up", e) &&
              take_error(wasmtime_component_linker_add_wasi_http(g->p2), ERR_INTERNAL, "cannot set wasi:http up", e);
    if (!ok) {
        engine_free(g);
        return false;
    }
    *out = g;
    return true;
}

void engine_free(struct engine *g) {
    if (!g)
        return;
    wasmtime_linker_delete(g->p1);
    wasmtime_component_linker_delete(g->p2);
    wasm_engine_delete(g->wasm);
    free(g);
}

bool engine_validate(struct slice wasm, enum wasm_kind kind, struct err *e) {
    wasm_engine_t *plain = wasm_engine_new_with_config(configure(false, NULL));
    bool ok;
    if (kind == WASM_CORE) {
        ok = take_error(wasmtime_module_validate(plain, wasm.ptr, wasm.len), ERR_INVALID, "not a valid module", e);
    } else {
        // The library validates components only on its way to compiling them.
        wasmtime_component_t *c = NULL;
        ok = take_error(wasmtime_component_new(plain, wasm.ptr, wasm.len, &c), ERR_INVALID, "not a valid component", e);
        if (ok)
            wasmtime_component_delete(c);
    }
    wasm_engine_delete(plain);
    return ok;
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

// Guests see a failed write once the buffer is full; those that ignore it are told apart by `full`.
static ptrdiff_t write_errors(void *data, const unsigned char *bytes, size_t n) {
    return buf_add(data, bytes, n) ? (ptrdiff_t)n : -ENOSPC;
}

static ptrdiff_t write_output(void *data, const unsigned char *bytes, size_t n) {
    const struct engine_run *r = data;
    if (buf_add(r->output, bytes, n))
        return (ptrdiff_t)n;
    if (r->overflow)
        r->overflow(r->overflow_ctx);
    return -ENOSPC;
}

static bool set_wasi(wasmtime_context_t *context, const struct engine_run *r, struct engine_outcome *out) {
    wasi_config_t *w = wasi_config_new();
    wasm_byte_vec_t input;
    wasm_byte_vec_new(&input, r->input.len, (const char *)r->input.ptr);
    wasi_config_set_stdin_bytes(w, &input);
    wasi_config_set_stdout_custom(w, write_output, (void *)(uintptr_t)r, NULL);
    wasi_config_set_stderr_custom(w, write_errors, r->errors, NULL);
    wasi_config_allow_ip_name_lookup(w, false);
    if (!wasi_config_set_env(w, r->env_count, r->names, r->values)) {
        wasi_config_delete(w);
        snprintf(out->text, sizeof out->text, "an environment variable is not UTF-8");
        return false;
    }
    wasmtime_error_t *error = wasmtime_context_set_wasi(context, w);
    if (!error)
        return true;
    first_line(error, out->text, sizeof out->text);
    wasmtime_error_delete(error);
    return false;
}

// What an error or trap says about the end: exit status, trap code, or a refusal.
static void classify_error(wasmtime_error_t *error, struct engine_outcome *out) {
    int status, code;
    error = outlayer_error_trap_code(error, &code);
    if (wasmtime_error_exit_status(error, &status)) {
        out->end = ENGINE_EXITED;
        out->status = status;
    } else if (code >= 0) {
        out->end = ENGINE_TRAPPED;
        out->trap = code;
    } else {
        out->end = ENGINE_REFUSED;
        first_line(error, out->text, sizeof out->text);
    }
    wasmtime_error_delete(error);
}

static void classify_trap(wasm_trap_t *trap, struct engine_outcome *out) {
    wasmtime_trap_code_t code = WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED;
    out->end = ENGINE_TRAPPED;
    out->trap = wasmtime_trap_code(trap, &code) ? (int)code : -1;
    wasm_trap_delete(trap);
}

static void call_core(struct engine *g, wasmtime_context_t *context, wasmtime_module_t *module,
                      struct engine_outcome *out) {
    wasmtime_instance_t instance;
    wasmtime_extern_t start;
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *error = wasmtime_linker_instantiate(g->p1, context, module, &instance, &trap);
    if (!error && !trap) {
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
        classify_error(error, out);
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
    if (!error) {
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
    classify_error(error, out);
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
        wasmtime_context_set_wasi_http(context);
        call_component(g, context, component, out);
    }
    if (out->end == ENGINE_EXITED && out->status == 0)
        out->end = ENGINE_RETURNED;
    wasmtime_store_delete(store);
    if (module)
        wasmtime_module_delete(module);
    if (component)
        wasmtime_component_delete(component);
}

const char *engine_trap_text(int trap) {
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
    default: return "trap of the engine";
    }
}
