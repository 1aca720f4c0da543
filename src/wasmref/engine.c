// SPDX-License-Identifier: Apache-2.0
#include "wasmref/engine.h"

#include "base/err.h"
#include <sys/mman.h>
#include <wasm.h>
#include <wasmtime.h>

#define PAGE 65536u
#define LARGEST (2048u * PAGE)

struct eng {
    wasm_engine_t *engines[ENG_KINDS];
    struct meter_page *page; // of the run at hand
};
struct eng_module {
    struct eng *g;
    enum eng_kind kind;
    wasmtime_module_t *module;
};

struct memory {
    uint8_t *base; // LARGEST bytes of address space, or the page
    size_t size;
    bool page;
};

static uint8_t *memory_get(void *env, size_t *size, size_t *max) {
    struct memory *m = env;
    *size = m->size;
    *max = m->page ? PAGE : LARGEST;
    return m->base;
}

static wasmtime_error_t *memory_grow(void *env, size_t size) {
    struct memory *m = env;
    if (m->page || size > LARGEST || mprotect(m->base, size, PROT_READ | PROT_WRITE) != 0)
        return wasmtime_error_new("no more memory");
    m->size = size;
    return NULL;
}

static void memory_free(void *env) {
    struct memory *m = env;
    if (!m->page)
        munmap(m->base, LARGEST);
    free(m);
}

static wasmtime_error_t *memory_new(void *env, const wasm_memorytype_t *type, size_t minimum, size_t maximum,
                                    size_t reserved, size_t guard, wasmtime_linear_memory_t *out) {
    (void)maximum;
    (void)reserved;
    BUG_ON(guard != 0);
    struct eng *g = env;
    struct memory *m = xcalloc(1, sizeof *m);
    m->page = wasmtime_memorytype_is64(type);
    m->size = minimum;
    m->base = m->page ? (uint8_t *)g->page
                      : mmap(NULL, LARGEST, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    BUG_ON(m->base == MAP_FAILED || (minimum && !m->page && mprotect(m->base, minimum, PROT_READ | PROT_WRITE) != 0));
    *out = (wasmtime_linear_memory_t){m, memory_get, memory_grow, memory_free};
    return NULL;
}

static wasm_engine_t *engine_new(struct eng *g, enum eng_kind kind) {
    wasm_config_t *c = wasm_config_new();
    wasmtime_config_wasm_tail_call_set(c, false);
    wasmtime_config_wasm_memory64_set(c, kind == ENG_METERED);
    wasmtime_config_wasm_multi_memory_set(c, kind == ENG_METERED);
    wasmtime_config_consume_fuel_set(c, kind == ENG_FUEL);
    wasmtime_config_cranelift_nan_canonicalization_set(c, true);
    wasmtime_config_cranelift_opt_level_set(c, WASMTIME_OPT_LEVEL_NONE);
    wasmtime_config_cranelift_flag_set(c, "regalloc_algorithm", "single_pass"); // what is compiled runs for a moment
    wasmtime_config_parallel_compilation_set(c, false);
    wasmtime_config_async_stack_size_set(c, 64u << 20); // the next may not be larger
    wasmtime_config_max_wasm_stack_set(c, 48u << 20);
    wasmtime_config_memory_reservation_set(c, 0);
    wasmtime_config_memory_guard_size_set(c, 0);
    wasmtime_config_memory_init_cow_set(c, false);
    wasmtime_memory_creator_t creator = {g, memory_new, NULL};
    wasmtime_config_host_memory_creator_set(c, &creator);
    return wasm_engine_new_with_config(c);
}

struct eng *eng_new(void) {
    struct eng *g = xcalloc(1, sizeof *g);
    for (int i = 0; i < ENG_KINDS; i++)
        g->engines[i] = engine_new(g, (enum eng_kind)i);
    return g;
}

void eng_free(struct eng *g) {
    for (int i = 0; i < ENG_KINDS; i++)
        wasm_engine_delete(g->engines[i]);
    free(g);
}

static bool fine(wasmtime_error_t *error, bool show) {
    if (!error)
        return true;
    wasm_byte_vec_t text;
    wasmtime_error_message(error, &text);
    if (show)
        fprintf(stderr, "engine: %.*s\n", (int)text.size, text.data);
    wasm_byte_vec_delete(&text);
    wasmtime_error_delete(error);
    return false;
}

bool eng_valid(struct eng *g, enum eng_kind kind, struct slice module) {
    return fine(wasmtime_module_validate(g->engines[kind], module.ptr, module.len), true);
}

struct eng_module *eng_compile(struct eng *g, enum eng_kind kind, struct slice module) {
    wasmtime_module_t *compiled;
    if (!fine(wasmtime_module_new(g->engines[kind], module.ptr, module.len, &compiled), true))
        return NULL;
    struct eng_module *m = xcalloc(1, sizeof *m);
    *m = (struct eng_module){g, kind, compiled};
    return m;
}

void eng_module_free(struct eng_module *m) {
    wasmtime_module_delete(m->module);
    free(m);
}

struct live {
    struct eng_module *m;
    struct eng_run *out;
    struct meter_page *page;
    wasmtime_context_t *ctx;
    wasmtime_instance_t instance;
    wasmtime_global_t gas, stack;
    bool exited, exhausted, has_gas;
};

static int64_t global_i64(struct live *l, const wasmtime_global_t *g) {
    wasmtime_val_t v;
    wasmtime_global_get(l->ctx, g, &v);
    return v.of.i64;
}

static wasm_trap_t *out_of_instructions(struct live *l) {
    l->exhausted = true;
    return wasmtime_trap_new("out of instructions", 19);
}

static wasm_trap_t *host_note(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *args, size_t nargs,
                              wasmtime_val_t *results, size_t nresults) {
    (void)caller;
    (void)nargs;
    (void)nresults;
    struct live *l = env;
    uint32_t arg = (uint32_t)args[0].of.i32;
    uint64_t fuel = 0;
    if (l->m->kind == ENG_FUEL)
        fine(wasmtime_context_get_fuel(l->ctx, &fuel), true);
    if (l->out->event_count < REF_EVENTS_MAX)
        l->out->events[l->out->event_count] =
            (struct ref_event){arg, l->m->kind == ENG_METERED ? (uint64_t)(l->page->open + l->page->reserve) : fuel,
                               l->has_gas ? (uint64_t)global_i64(l, &l->gas) : 0};
    l->out->event_count++;
    results[0].kind = WASMTIME_I32;
    results[0].of.i32 = (int32_t)(arg * 3 + 1);
    if (l->m->kind == ENG_METERED && !meter_page_charge(l->page, REF_HOST_PRICE(arg)))
        return out_of_instructions(l);
    return NULL;
}

static wasm_trap_t *host_exit(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *args, size_t nargs,
                              wasmtime_val_t *results, size_t nresults) {
    (void)caller;
    (void)args;
    (void)nargs;
    (void)results;
    (void)nresults;
    ((struct live *)env)->exited = true;
    return wasmtime_trap_new("exit", 4);
}

static wasmtime_func_t host(struct live *l, wasmtime_func_callback_t f, bool note) {
    wasm_valtype_t *p[1] = {wasm_valtype_new(WASM_I32)}, *r[1] = {wasm_valtype_new(WASM_I32)};
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_new(&params, note ? 1 : 0, p);
    wasm_valtype_vec_new(&results, note ? 1 : 0, r);
    if (!note) {
        wasm_valtype_delete(p[0]);
        wasm_valtype_delete(r[0]);
    }
    wasm_functype_t *type = wasm_functype_new(&params, &results);
    wasmtime_func_t out;
    wasmtime_func_new(l->ctx, type, f, l, NULL, &out);
    wasm_functype_delete(type);
    return out;
}

// Notes how a call ended; true when it returned.
static bool ended(struct live *l, wasmtime_error_t *error, wasm_trap_t *trap) {
    if (error) { // only a host function makes one
        fine(error, !l->exited && !l->exhausted);
        l->out->end = l->exited ? REF_EXIT : REF_STEPS;
        return false;
    }
    if (!trap)
        return true;
    wasmtime_trap_code_t code = 255;
    wasmtime_trap_code(trap, &code);
    l->out->end = l->exited ? REF_EXIT : REF_TRAP;
    l->out->trap = code;
    wasm_trap_delete(trap);
    return false;
}

static bool export_of(struct live *l, const char *name, wasmtime_extern_t *out) {
    return wasmtime_instance_export_get(l->ctx, &l->instance, name, strlen(name), out);
}

static wasmtime_val_t to_engine(uint8_t type, union ref_value v) {
    wasmtime_val_t out = {.kind = (wasmtime_valkind_t)(0x7f - type)};
    memcpy(&out.of, &v, 8);
    return out;
}

static bool call(struct live *l, const char *name, const uint8_t *types, uint32_t n, const union ref_value *args,
                 union ref_value *results) {
    wasmtime_extern_t x;
    BUG_ON(!export_of(l, name, &x));
    wasmtime_val_t in[4], out[4];
    for (uint32_t i = 0; i < n; i++)
        in[i] = to_engine(types[i], args[i]);
    wasm_functype_t *type = wasmtime_func_type(l->ctx, &x.of.func);
    size_t count = wasm_functype_results(type)->size;
    wasm_functype_delete(type);
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *error = wasmtime_func_call(l->ctx, &x.of.func, in, n, out, count, &trap);
    if (!ended(l, error, trap))
        return false;
    for (size_t i = 0; i < count; i++) {
        results[i] = (union ref_value){.i64 = 0};
        memcpy(&results[i], &out[i].of, out[i].kind == WASMTIME_I32 || out[i].kind == WASMTIME_F32 ? 4 : 8);
    }
    return true;
}

static bool start(struct live *l, int64_t gas) {
    wasmtime_extern_t imports[2] = {{.kind = WASMTIME_EXTERN_FUNC}, {.kind = WASMTIME_EXTERN_FUNC}}, x;
    imports[0].of.func = host(l, host_note, true);
    imports[1].of.func = host(l, host_exit, false);
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *error = wasmtime_instance_new(l->ctx, l->m->module, imports, 2, &l->instance, &trap);
    if (!ended(l, error, trap))
        return false;
    if (l->m->kind != ENG_NEAR)
        return true;
    BUG_ON(!export_of(l, METER_NEAR_GAS, &x));
    l->gas = x.of.global;
    l->has_gas = true;
    BUG_ON(!export_of(l, METER_NEAR_STACK, &x));
    l->stack = x.of.global;
    wasmtime_val_t v = {.kind = WASMTIME_I64, .of.i64 = gas};
    fine(wasmtime_global_set(l->ctx, &l->gas, &v), true);
    union ref_value none;
    return !export_of(l, METER_NEAR_START, &x) || call(l, METER_NEAR_START, NULL, 0, NULL, &none);
}

uint64_t eng_hash(const uint8_t *p, size_t n) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static void observe(struct live *l) {
    wasmtime_extern_t x;
    bool near = l->m->kind == ENG_NEAR;
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "%sg%d", near ? METER_NEAR_PREFIX : "", i);
        BUG_ON(!export_of(l, name, &x));
        wasmtime_val_t v;
        wasmtime_global_get(l->ctx, &x.of.global, &v);
        l->out->globals[i] = (union ref_value){.i64 = 0};
        memcpy(&l->out->globals[i], &v.of, i & 1 ? 8 : 4);
    }
    if (export_of(l, near ? METER_NEAR_MEMORY : "m", &x)) {
        l->out->memory_bytes = (uint32_t)wasmtime_memory_data_size(l->ctx, &x.of.memory);
        l->out->memory_hash = eng_hash(wasmtime_memory_data(l->ctx, &x.of.memory), PAGE);
    }
    if (near) {
        l->out->gas_left = global_i64(l, &l->gas);
        l->out->stack_left = global_i64(l, &l->stack);
    }
}

static uint64_t fuel_left(struct live *l) {
    uint64_t left = 0;
    if (l->m->kind == ENG_FUEL)
        fine(wasmtime_context_get_fuel(l->ctx, &left), true);
    return left;
}

void eng_run(struct eng_module *m, const struct gen_module *shape, const union ref_value (*args)[4],
             struct meter_page *page, int64_t gas, struct eng_run *out) {
    struct ref_event *events = out->events;
    *out = (struct eng_run){.end = REF_RETURN, .events = events};
    m->g->page = page;
    wasmtime_store_t *store = wasmtime_store_new(m->g->engines[m->kind], NULL, NULL);
    struct live l = {.m = m, .out = out, .page = page, .ctx = wasmtime_store_context(store)};
    if (m->kind == ENG_FUEL)
        fine(wasmtime_context_set_fuel(l.ctx, ENG_FUEL_MAX), true);
    bool there = start(&l, gas), ok = there;
    uint64_t before = fuel_left(&l);
    for (uint32_t i = 0; ok && i < shape->functions; i++) {
        char name[32];
        snprintf(name, sizeof name, "%sf%u", m->kind == ENG_NEAR ? METER_NEAR_PREFIX : "", i);
        ok = call(&l, name, shape->params[i], shape->param_count[i], args[i], out->results[i]);
        out->calls += ok;
    }
    if (there)
        observe(&l);
    else if (l.has_gas) {
        out->gas_left = global_i64(&l, &l.gas);
        out->stack_left = global_i64(&l, &l.stack);
    }
    out->fuel_used = before - fuel_left(&l);
    wasmtime_store_delete(store);
}
