// SPDX-License-Identifier: Apache-2.0
#include "wasmref/interp.h"

#include "base/err.h"

#define LABELS 200000
#define STACK 400000
#define PAGE 65536u
#define OP_GAS 822756u
#define BULK_GAS 26328192u

// One activation.
struct frame {
    struct ref_run *r;
    struct ref_module *m;
    const struct ref_function *f;
    union ref_value *locals;
    const uint8_t *p;
    size_t labels; // below this one's
};

bool ref_trap(struct ref_run *r, enum ref_trap trap) {
    r->end = REF_TRAP;
    r->trap = trap;
    return false;
}

static bool stop(struct ref_run *r, enum ref_end end) {
    r->end = end;
    return false;
}

// docs/metering.md, the two tables, read again.
static void pay(struct ref_run *r, uint32_t op) {
    bool free_op = op == 0x02 || op == 0x05 || op == 0x0b;
    bool idle = op == 0x00 || op == 0x01 || op == 0x03 || op == 0x0f || op == 0x1a;
    bool lengthy = op == 0x40 || op == 0xfc08 || op == 0xfc0a || op == 0xfc0b || op == 0xfc0c || op == 0xfc0e ||
                   op == 0xfc0f || op == 0xfc11;
    if (!free_op && !idle)
        r->ours++;
    if (!free_op && op != 0x03) // a loop pays at its header, below
        r->gas += lengthy ? BULK_GAS : OP_GAS;
    if (lengthy) {
        uint64_t n = r->stack[r->top - 1].i32;
        r->gas += OP_GAS * n;
        if (op != 0x40)
            r->ours += n;
    }
}

uint8_t *ref_address(struct ref_run *r, uint64_t offset, uint64_t n) {
    uint64_t at = offset + ref_pop(r).i32;
    if (at + n > (uint64_t)r->pages * PAGE) {
        ref_trap(r, REF_TRAP_MEMORY);
        return NULL;
    }
    return r->memory + at;
}

static bool load(struct ref_run *r, uint32_t op, uint64_t offset) {
    static const uint8_t width[] = {4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4};
    uint8_t n = width[op - 0x28];
    const uint8_t *a = ref_address(r, offset, n);
    if (!a)
        return false;
    uint64_t v = 0;
    memcpy(&v, a, n);
    bool is_signed = op == 0x2c || op == 0x2e || op == 0x30 || op == 0x32 || op == 0x34;
    if (is_signed) {
        unsigned shift = 64 - 8 * n;
        v = (uint64_t)((int64_t)(v << shift) >> shift);
    }
    ref_push64(r, op < 0x30 && op != 0x29 && op != 0x2b ? (uint32_t)v : v);
    return true;
}

static bool store(struct ref_run *r, uint32_t op, uint64_t offset) {
    static const uint8_t width[] = {4, 8, 4, 8, 1, 2, 1, 2, 4};
    union ref_value v = ref_pop(r);
    uint8_t *a = ref_address(r, offset, width[op - 0x36]);
    if (!a)
        return false;
    memcpy(a, &v, width[op - 0x36]);
    return true;
}

static uint32_t grow_memory(struct ref_run *r, uint32_t n) {
    if (n > r->max_pages - r->pages)
        return UINT32_MAX;
    uint32_t old = r->pages;
    r->pages += n;
    return old;
}

static bool copy_in(struct ref_run *r, const struct ref_segment *s, uint32_t d, uint32_t o, uint32_t n) {
    uint32_t have = s->dropped ? 0 : s->count;
    if ((uint64_t)o + n > have || (uint64_t)d + n > (uint64_t)r->pages * PAGE)
        return ref_trap(r, REF_TRAP_MEMORY);
    if (n)
        memcpy(r->memory + d, s->bytes + o, n);
    return true;
}

static bool elements_in(struct ref_run *r, struct ref_table *t, const struct ref_segment *s, uint32_t d, uint32_t o,
                        uint32_t n) {
    uint32_t have = s->dropped ? 0 : s->count;
    if ((uint64_t)o + n > have || (uint64_t)d + n > t->size)
        return ref_trap(r, REF_TRAP_TABLE);
    for (uint32_t i = 0; i < n; i++)
        t->slots[d + i] = s->refs[o + i];
    return true;
}

static bool grow_table(struct ref_run *r, struct ref_table *t) {
    uint32_t n = ref_pop(r).i32;
    uint64_t fill = ref_pop(r).ref;
    if (n > t->max - t->size) {
        ref_push32(r, UINT32_MAX);
        return true;
    }
    uint64_t *slots = arena_calloc(r->m->arena, (size_t)t->size + n + 1, sizeof *slots);
    memcpy(slots, t->slots, t->size * sizeof *slots);
    for (uint32_t i = 0; i < n; i++)
        slots[t->size + i] = fill;
    ref_push32(r, t->size);
    t->slots = slots;
    t->size += n;
    return true;
}

static bool copy_table(struct ref_run *r, struct ref_table *to, struct ref_table *from, uint32_t d, uint32_t o,
                       uint32_t n) {
    if ((uint64_t)o + n > from->size || (uint64_t)d + n > to->size)
        return ref_trap(r, REF_TRAP_TABLE);
    memmove(to->slots + d, from->slots + o, n * sizeof *to->slots);
    return true;
}

static bool memory_bulk(struct ref_run *r, uint32_t op, uint32_t segment) {
    uint32_t n = ref_pop(r).i32, o = ref_pop(r).i32, d = ref_pop(r).i32;
    uint64_t size = (uint64_t)r->pages * PAGE;
    if (op == 0xfc08)
        return copy_in(r, &r->m->data[segment], d, o, n);
    if ((uint64_t)d + n > size || (op == 0xfc0a && (uint64_t)o + n > size))
        return ref_trap(r, REF_TRAP_MEMORY);
    if (op == 0xfc0a)
        memmove(r->memory + d, r->memory + o, n);
    else
        memset(r->memory + d, (uint8_t)o, n);
    return true;
}

static bool table_fill(struct ref_run *r, struct ref_table *t) {
    uint32_t n = ref_pop(r).i32;
    uint64_t v = ref_pop(r).ref;
    uint32_t d = ref_pop(r).i32;
    if ((uint64_t)d + n > t->size)
        return ref_trap(r, REF_TRAP_TABLE);
    for (uint32_t i = 0; i < n; i++)
        t->slots[d + i] = v;
    return true;
}

static bool bulk(struct ref_run *r, uint32_t op, uint32_t x, uint32_t y) {
    struct ref_table *tables = r->m->tables;
    uint32_t n, o, d;
    switch (op) {
    case 0xfc08:
    case 0xfc0a:
    case 0xfc0b: return memory_bulk(r, op, x);
    case 0xfc09: r->m->data[x].dropped = true; return true;
    case 0xfc0d: r->m->elements[x].dropped = true; return true;
    case 0xfc0f: return grow_table(r, &tables[x]);
    case 0xfc10: ref_push32(r, tables[x].size); return true;
    case 0xfc11: return table_fill(r, &tables[x]);
    default:
        n = ref_pop(r).i32;
        o = ref_pop(r).i32;
        d = ref_pop(r).i32;
        return op == 0xfc0c ? elements_in(r, &tables[y], &r->m->elements[x], d, o, n)
                            : copy_table(r, &tables[x], &tables[y], d, o, n);
    }
}

// What the host functions of the tests do: `exit` ends the run, any other notes its argument and answers with a number.
static bool call_host(struct ref_run *r, const struct ref_function *f) {
    if (slice_eq_str(f->import, "exit"))
        return stop(r, REF_EXIT);
    uint32_t arg = ref_pop(r).i32;
    if (r->event_count < REF_EVENTS_MAX)
        r->events[r->event_count] = (struct ref_event){arg, r->ours, r->gas};
    r->event_count++;
    r->host += REF_HOST_PRICE(arg);
    r->ours += REF_HOST_PRICE(arg);
    ref_push32(r, arg * 3 + 1);
    return true;
}

static bool call_table(struct ref_run *r, const struct ref_functype *want, const struct ref_table *t) {
    uint32_t i = ref_pop(r).i32;
    if (i >= t->size)
        return ref_trap(r, REF_TRAP_TABLE);
    if (!t->slots[i])
        return ref_trap(r, REF_TRAP_NULL);
    uint32_t index = (uint32_t)(t->slots[i] - 1);
    const struct ref_functype *has = r->m->functions[index].type;
    bool same = has->param_count == want->param_count && has->result_count == want->result_count &&
                !memcmp(has->params, want->params, has->param_count) &&
                !memcmp(has->results, want->results, has->result_count);
    return same ? ref_call(r, index) : ref_trap(r, REF_TRAP_SIGNATURE);
}

static void enter(struct frame *c, uint32_t arity, uint32_t params, uint32_t next, bool loop) {
    struct ref_run *r = c->r;
    BUG_ON(r->label_count == LABELS);
    r->labels[r->label_count++] = (struct ref_label){next, arity, (uint32_t)(r->top - params), loop};
}

// Leaves `depth` labels and goes on where the next one says. False: that was the function's own.
static bool branch(struct frame *c, uint32_t depth) {
    struct ref_run *r = c->r;
    struct ref_label *l = &r->labels[r->label_count - 1 - depth];
    memmove(r->stack + l->height, r->stack + r->top - l->arity, l->arity * sizeof *r->stack);
    r->top = l->height + l->arity;
    r->label_count -= depth + (l->loop ? 0 : 1);
    c->p = c->f->code + l->next;
    if (l->loop)
        r->gas += OP_GAS;
    return r->label_count > c->labels;
}

static void start_block(struct frame *c, uint32_t op) {
    struct ref_run *r = c->r;
    int64_t type = ref_sleb(&c->p);
    uint32_t params = 0, results = type != -64;
    if (type >= 0) {
        params = c->m->types[type].param_count;
        results = c->m->types[type].result_count;
    }
    uint32_t here = (uint32_t)(c->p - c->f->code);
    if (op == 0x03) {
        enter(c, params, params, here, true);
        r->gas += OP_GAS;
        return;
    }
    bool taken = op == 0x02 || ref_pop(r).i32;
    if (taken || c->f->else_of[here]) {
        enter(c, results, params, c->f->end_of[here], false);
        if (!taken)
            c->p = c->f->code + c->f->else_of[here];
    } else {
        c->p = c->f->code + c->f->end_of[here];
    }
}

static uint32_t table_label(struct frame *c) {
    uint32_t n = (uint32_t)ref_leb(&c->p), i = ref_pop(c->r).i32, label = 0;
    for (uint32_t k = 0; k <= (i < n ? i : n); k++)
        label = (uint32_t)ref_leb(&c->p);
    return label;
}

static bool table_slot(struct frame *c, uint32_t op) {
    struct ref_run *r = c->r;
    struct ref_table *t = &c->m->tables[ref_leb(&c->p)];
    uint64_t v = op == 0x26 ? ref_pop(r).ref : 0;
    uint32_t i = ref_pop(r).i32;
    if (i >= t->size)
        return ref_trap(r, REF_TRAP_TABLE);
    if (op == 0x26)
        t->slots[i] = v;
    else
        ref_push64(r, t->slots[i]);
    return true;
}

static void choose(struct ref_run *r) {
    uint32_t yes = ref_pop(r).i32;
    union ref_value b = ref_pop(r);
    if (!yes)
        r->stack[r->top - 1] = b;
}

// Variables, references, constants.
static bool simple(struct frame *c, uint32_t op) {
    struct ref_run *r = c->r;
    union ref_value v = {.i64 = 0};
    switch (op) {
    case 0x01: return true;
    case 0x1a: ref_pop(r); return true;
    case 0x1c:
        c->p += ref_leb(&c->p);
        choose(r);
        return true;
    case 0x1b: choose(r); return true;
    case 0x20: ref_push(r, c->locals[ref_leb(&c->p)]); return true;
    case 0x21: c->locals[ref_leb(&c->p)] = ref_pop(r); return true;
    case 0x22: c->locals[ref_leb(&c->p)] = r->stack[r->top - 1]; return true;
    case 0x23: ref_push(r, c->m->globals[ref_leb(&c->p)]); return true;
    case 0x24: c->m->globals[ref_leb(&c->p)] = ref_pop(r); return true;
    case 0x25:
    case 0x26: return table_slot(c, op);
    case 0x3f:
        c->p++;
        ref_push32(r, r->pages);
        return true;
    case 0x40:
        c->p++;
        ref_push32(r, grow_memory(r, ref_pop(r).i32));
        return true;
    case 0x41: ref_push32(r, (uint32_t)ref_sleb(&c->p)); return true;
    case 0x42: ref_push64(r, (uint64_t)ref_sleb(&c->p)); return true;
    case 0x43:
    case 0x44:
        memcpy(&v, c->p, op == 0x43 ? 4 : 8);
        c->p += op == 0x43 ? 4 : 8;
        ref_push(r, v);
        return true;
    case 0xd0:
        c->p++;
        ref_push64(r, 0);
        return true;
    case 0xd1: ref_push32(r, ref_pop(r).ref == 0); return true;
    case 0xd2: ref_push64(r, ref_leb(&c->p) + 1); return true;
    default: return ref_numeric(r, op);
    }
}

static bool data_op(struct frame *c, uint32_t op) {
    struct ref_run *r = c->r;
    if (op >= 0xfd00)
        return ref_simd(r, op, &c->p);
    if (op >= 0xfc08) {
        const uint8_t *q = c->p;
        ref_skip(&c->p, op);
        uint32_t x = (uint32_t)ref_leb(&q), y = q < c->p ? (uint32_t)ref_leb(&q) : 0;
        return bulk(r, op, x, y);
    }
    if (op >= 0x28 && op <= 0x3e) {
        ref_leb(&c->p);
        uint64_t offset = ref_leb(&c->p);
        return op <= 0x35 ? load(r, op, offset) : store(r, op, offset);
    }
    return simple(c, op);
}

// One operator. False: the activation is over, or the run (then r->end is not REF_RETURN).
static bool step(struct frame *c) {
    struct ref_run *r = c->r;
    uint32_t op = ref_op(&c->p), n;
    if (++r->steps > r->max_steps)
        return stop(r, REF_STEPS);
    pay(r, op);
    switch (op) {
    case 0x00: return ref_trap(r, REF_TRAP_UNREACHABLE);
    case 0x02:
    case 0x03:
    case 0x04: start_block(c, op); return true;
    case 0x05: return branch(c, 0); // the end of the part before it
    case 0x0b: r->label_count--; return r->label_count > c->labels;
    case 0x0c: return branch(c, (uint32_t)ref_leb(&c->p));
    case 0x0d: n = (uint32_t)ref_leb(&c->p); return !ref_pop(r).i32 || branch(c, n);
    case 0x0e: return branch(c, table_label(c));
    case 0x0f: return branch(c, (uint32_t)(r->label_count - c->labels - 1));
    case 0x10: return ref_call(r, (uint32_t)ref_leb(&c->p));
    case 0x11: n = (uint32_t)ref_leb(&c->p); return call_table(r, &c->m->types[n], &c->m->tables[ref_leb(&c->p)]);
    default: return data_op(c, op);
    }
}

static uint64_t frame_bytes(const struct ref_function *f) {
    uint64_t n = 64;
    for (uint32_t i = 0; i < f->local_count; i++)
        n += f->locals[i] == 0x7f || f->locals[i] == 0x7d ? 4 : f->locals[i] == 0x7b ? 16 : 8;
    return n;
}

bool ref_call(struct ref_run *r, uint32_t index) {
    struct ref_function *f = &r->m->functions[index];
    if (f->imported)
        return call_host(r, f);
    if (r->depth == r->max_depth)
        return stop(r, REF_DEEP);
    uint64_t frame = frame_bytes(f);
    int64_t stack = (int64_t)(frame + f->operand_bytes);
    r->stack_left -= stack;
    if (r->near && r->stack_left < 0)
        return stop(r, REF_STACK);
    r->ours++;
    r->gas += (frame + 7) / 8 * OP_GAS;
    struct frame c = {.r = r, .m = r->m, .f = f, .p = f->code, .labels = r->label_count};
    r->top -= f->type->param_count;
    c.locals = xcalloc(f->local_count + 1, sizeof *c.locals);
    memcpy(c.locals, r->stack + r->top, f->type->param_count * sizeof *c.locals);
    BUG_ON(r->top + 20000 > STACK);
    enter(&c, f->type->result_count, 0, f->code_len, false);
    r->depth++;
    while (step(&c))
        ;
    r->depth--;
    free(c.locals);
    r->stack_left += stack;
    return r->end == REF_RETURN;
}

void ref_run_init(struct ref_run *r, struct ref_module *m, bool near) {
    *r = (struct ref_run){.m = m, .near = near, .max_steps = 100000, .max_depth = 100, .stack_left = 262144};
    r->pages = near ? 1024 : m->pages;
    r->max_pages = near ? 2048 : m->max_pages;
    r->memory = xcalloc((size_t)(near ? 2048 : 16) * PAGE, 1);
    r->stack = xcalloc(STACK, sizeof *r->stack);
    r->labels = xcalloc(LABELS, sizeof *r->labels);
    r->events = xcalloc(REF_EVENTS_MAX, sizeof *r->events);
}

void ref_run_release(struct ref_run *r) {
    free(r->memory);
    free(r->stack);
    free(r->labels);
    free(r->events);
}

bool ref_instantiate(struct ref_run *r) {
    struct ref_module *m = r->m;
    for (uint32_t i = 0; i < m->table_count; i++)
        m->tables[i].slots = arena_calloc(m->arena, (size_t)m->tables[i].size + 1, sizeof(uint64_t));
    for (uint32_t i = 0; i < m->element_count; i++) {
        struct ref_segment *s = &m->elements[i];
        if (s->active && !elements_in(r, &m->tables[0], s, s->offset, 0, s->count))
            return false;
        s->dropped |= s->active;
    }
    for (uint32_t i = 0; i < m->data_count; i++) {
        struct ref_segment *s = &m->data[i];
        if (s->active && !copy_in(r, s, s->offset, 0, s->count))
            return false;
        s->dropped |= s->active;
    }
    return m->start < 0 || ref_call(r, (uint32_t)m->start);
}

bool ref_call_export(struct ref_run *r, const char *name, const union ref_value *args, union ref_value *results) {
    for (uint32_t i = 0; i < r->m->export_count; i++) {
        const struct ref_export *x = &r->m->exports[i];
        if (x->kind != 0 || !slice_eq_str(x->name, name))
            continue;
        const struct ref_functype *t = r->m->functions[x->index].type;
        r->top = 0;
        for (uint32_t k = 0; k < t->param_count; k++)
            ref_push(r, args[k]);
        if (!ref_call(r, x->index))
            return false;
        memcpy(results, r->stack, t->result_count * sizeof *results);
        return true;
    }
    bug_abort(__FILE__, __LINE__, "no such export");
}
