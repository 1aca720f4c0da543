// SPDX-License-Identifier: Apache-2.0
// The engine of contracts: judging, metering and compiling them, and the imports that they find.
#include "nearvm/vm.h"

#include "nearvm/vm_internal.h"

#include "base/text.h"
#include "wasm/engine.h"
#include <pthread.h>

#define REWRITTEN_MAX (16u << 20) // NEAR's limit for instrumented code
#define WASM_STACK (2u << 20)     // of the machine; NEAR's own accounting (262144 bytes) ends a contract long before

struct vm_engine {
    wasm_engine_t *wasm;
    wasmtime_linker_t *linker;
    size_t cached;
    pthread_mutex_t mutex;               // for all below
    TAILQ_HEAD(vm_codes, vm_code) codes; // the last one used first
    size_t count;
};

// --- imports -----------------------------------------------------------------------------------------------------

static const struct host_group *const groups[] = {&host_registers, &host_context, &host_storage, &host_promises,
                                                  &host_actions,   &host_math,    &host_output};

static wasm_valtype_vec_t types_of(const char *letters) {
    wasm_valtype_t *list[HOST_PARAMS_MAX];
    size_t n = strlen(letters);
    BUG_ON(n > HOST_PARAMS_MAX);
    for (size_t i = 0; i < n; i++)
        list[i] = wasm_valtype_new(letters[i] == 'I' ? WASM_I64 : WASM_I32);
    wasm_valtype_vec_t out;
    wasm_valtype_vec_new(&out, n, list);
    return out;
}

static bool define(wasmtime_linker_t *linker, const struct host_function *f, struct err *e) {
    wasm_valtype_vec_t params = types_of(f->params), results = types_of(f->results);
    wasm_functype_t *type = wasm_functype_new(&params, &results);
    wasmtime_error_t *error = wasmtime_linker_define_func_unchecked(linker, "env", 3, f->name, strlen(f->name), type,
                                                                    vm_host_call, (void *)(uintptr_t)f, NULL);
    wasm_functype_delete(type);
    if (!error)
        return true;
    wasmtime_error_delete(error);
    return err_set(e, ERR_INTERNAL, "cannot define host function %s", f->name);
}

bool vm_engine_new(struct vm_engine **out, size_t cached, struct err *e) {
    wasm_config_t *c = wasm_config_new();
    wasmtime_config_wasm_simd_set(c, false);
    wasmtime_config_wasm_relaxed_simd_set(c, false);
    wasmtime_config_wasm_multi_value_set(c, false);
    wasmtime_config_wasm_tail_call_set(c, false);
    wasmtime_config_wasm_component_model_set(c, false);
    wasmtime_config_concurrency_support_set(c, false);
    wasmtime_config_cranelift_nan_canonicalization_set(c, true);
    wasmtime_config_max_wasm_stack_set(c, WASM_STACK);
    wasmtime_config_cranelift_opt_level_set(c, WASMTIME_OPT_LEVEL_SPEED);
    struct vm_engine *v = xcalloc(1, sizeof *v);
    pthread_mutex_init(&v->mutex, NULL);
    TAILQ_INIT(&v->codes);
    v->cached = cached ? cached : 1;
    v->wasm = wasm_engine_new_with_config(c);
    v->linker = wasmtime_linker_new(v->wasm);
    for (size_t g = 0; g < ARRAY_LEN(groups); g++)
        for (size_t i = 0; i < groups[g]->count; i++)
            if (!define(v->linker, &groups[g]->list[i], e)) {
                vm_engine_free(v);
                return false;
            }
    *out = v;
    return true;
}

static void code_free(struct vm_code *c) {
    if (c->pre)
        wasmtime_instance_pre_delete(c->pre);
    arena_free(c->arena);
    free(c);
}

void vm_engine_free(struct vm_engine *v) {
    if (!v)
        return;
    for (struct vm_code *c; (c = TAILQ_FIRST(&v->codes));) {
        TAILQ_REMOVE(&v->codes, c, link);
        code_free(c);
    }
    wasmtime_linker_delete(v->linker);
    wasm_engine_delete(v->wasm);
    pthread_mutex_destroy(&v->mutex);
    free(v);
}

wasm_engine_t *vm_engine_wasm(struct vm_engine *v) { return v->wasm; }

// --- preparing a contract ----------------------------------------------------------------------------------------

static char *first_line(struct arena *a, wasmtime_error_t *error) {
    wasm_byte_vec_t text;
    wasmtime_error_message(error, &text);
    size_t n = 0;
    while (n < text.size && n < 500 && text.data[n] != '\n')
        n++;
    char *out = arena_text(a, slice_of(text.data, n));
    wasm_byte_vec_delete(&text);
    wasmtime_error_delete(error);
    return out;
}

static void refuse(struct vm_code *c, enum call_error_kind kind, const char *text, const char *debug) {
    c->broken = true;
    c->error = (struct call_error){.kind = kind, .text = text, .debug = debug};
}

static void prepare_failed(struct vm_code *c, const char *name) {
    refuse(c, CALL_PREPARE, arena_strdup(c->arena, name),
           arena_printf(c->arena, "CompilationError(PrepareError(%s))", name));
}

// Exported functions without parameters and results can be called.
static void list_methods(struct vm_code *c, wasmtime_module_t *m) {
    wasm_exporttype_vec_t list;
    wasmtime_module_exports(m, &list);
    c->methods = arena_calloc(c->arena, list.size, sizeof *c->methods);
    for (size_t i = 0; i < list.size; i++) {
        const wasm_name_t *name = wasm_exporttype_name(list.data[i]);
        struct slice s = slice_of(name->data, name->size), prefix = SLICE_LIT(METER_NEAR_PREFIX);
        const wasm_functype_t *f = wasm_externtype_as_functype_const(wasm_exporttype_type(list.data[i]));
        if (slice_eq_str(s, METER_NEAR_START))
            c->has_start = true;
        if (f && slice_starts(s, prefix))
            c->methods[c->method_count++] =
                (struct vm_method){arena_text(c->arena, slice_skip(s, prefix.len)),
                                   !wasm_functype_params(f)->size && !wasm_functype_results(f)->size};
    }
    wasm_exporttype_vec_delete(&list);
}

static void link_module(struct vm_engine *v, struct vm_code *c, wasmtime_module_t *m) {
    wasmtime_error_t *error = wasmtime_linker_instantiate_pre(v->linker, m, &c->pre);
    if (error) {
        char *why = first_line(c->arena, error);
        c->link_broken = true;
        c->error = (struct call_error){
            .kind = CALL_EXECUTION,
            .text = arena_printf(c->arena, "Link Error: %s", why),
            .debug = arena_printf(c->arena, "LinkError { msg: \"%s\" }", rust_debug(c->arena, slice_str(why)))};
    }
}

static void compile(struct vm_engine *v, struct vm_code *c, struct slice code) {
    SCOPED_BUF(rewritten, REWRITTEN_MAX);
    struct err e = {0};
    if (!engine_validate(code, WASM_CORE, &e)) {
        prepare_failed(c, "Deserialization");
        return;
    }
    if (!meter_rewrite(code, &meter_prices_near, &rewritten, &e)) {
        prepare_failed(c, e.hint[0] && !strchr(e.hint, ' ') ? e.hint : "Deserialization");
        return;
    }
    wasmtime_module_t *m = NULL;
    wasmtime_error_t *error = wasmtime_module_new(v->wasm, rewritten.ptr, rewritten.len, &m);
    if (error) {
        char *why = first_line(c->arena, error);
        refuse(c, CALL_COMPILE, why,
               arena_printf(c->arena, "CompilationError(WasmtimeCompileError { msg: \"%s\" })",
                            rust_debug(c->arena, slice_str(why))));
        return;
    }
    list_methods(c, m);
    link_module(v, c, m);
    wasmtime_module_delete(m);
}

static struct vm_code *code_new(struct vm_engine *v, const struct hash *hash, struct slice code) {
    struct vm_code *c = xcalloc(1, sizeof *c);
    c->hash = *hash;
    c->size = code.len;
    c->arena = arena_new();
    compile(v, c, code);
    return c;
}

// --- keeping them ------------------------------------------------------------------------------------------------

static struct vm_code *find(struct vm_engine *v, const struct hash *hash) {
    struct vm_code *c;
    TAILQ_FOREACH(c, &v->codes, link)
        if (hash_eq(&c->hash, hash))
            break;
    return c;
}

// Drops the least recently used one that nobody uses.
static void evict(struct vm_engine *v) {
    struct vm_code *c;
    TAILQ_FOREACH_REVERSE(c, &v->codes, vm_codes, link)
        if (!c->refs)
            break;
    if (!c)
        return;
    TAILQ_REMOVE(&v->codes, c, link);
    v->count--;
    code_free(c);
}

static void take(struct vm_engine *v, struct vm_code *c) {
    c->refs++;
    TAILQ_REMOVE(&v->codes, c, link);
    TAILQ_INSERT_HEAD(&v->codes, c, link);
}

const struct vm_code *vm_code_get(struct vm_engine *v, const struct hash *hash, struct slice code) {
    pthread_mutex_lock(&v->mutex);
    struct vm_code *c = find(v, hash);
    if (c)
        take(v, c);
    pthread_mutex_unlock(&v->mutex);
    if (c || !code.len)
        return c;
    struct vm_code *made = code_new(v, hash, code); // takes long: not under the lock
    pthread_mutex_lock(&v->mutex);
    c = find(v, hash);
    if (c) { // another thread was faster
        code_free(made);
    } else {
        if (v->count >= v->cached)
            evict(v);
        c = made;
        TAILQ_INSERT_HEAD(&v->codes, c, link);
        v->count++;
    }
    take(v, c);
    pthread_mutex_unlock(&v->mutex);
    return c;
}

void vm_code_put(struct vm_engine *v, const struct vm_code *code) {
    struct vm_code *c = (struct vm_code *)(uintptr_t)code;
    pthread_mutex_lock(&v->mutex);
    c->refs--;
    pthread_mutex_unlock(&v->mutex);
}

void vm_prepare(struct vm_engine *v, const struct hash *code_hash, struct slice code) {
    const struct vm_code *c = vm_code_get(v, code_hash, code);
    if (c)
        vm_code_put(v, c);
}
