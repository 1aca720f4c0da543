// SPDX-License-Identifier: Apache-2.0
// Where a body is charged. Operators that are always executed together form a region, which pays at its first
// operator with a price; a region ends where control may leave or join. docs/metering.md has the rules.
#include "wasm/rewrite.h"

#define NO_REGION SIZE_MAX

struct walk {
    struct meter_body *b;
    const struct wasm_module *m;
    const struct meter_prices *p;
    struct wasm_reader r;
    uint32_t at, next; // offset of the operator at hand and of the one behind it
    size_t region;     // the point that pays for the region at hand
    bool live;
    uint64_t owed; // most that the counter may be below zero here
};

void meter_body_release(struct meter_body *b) {
    free(b->points);
    free(b->frames);
    free(b->operands);
    free(b->local_types);
    *b = (struct meter_body){0};
}

static struct meter_point *add_point(struct meter_body *b, uint32_t at, enum meter_point_kind kind, uint64_t cost) {
    if (b->point_count == b->point_room) {
        b->point_room = b->point_room ? 2 * b->point_room : 64;
        b->points = xrealloc(b->points, b->point_room * sizeof *b->points);
    }
    b->points[b->point_count] = (struct meter_point){.at = at, .kind = (uint8_t)kind, .cost = cost};
    return &b->points[b->point_count++];
}

static struct meter_frame *push_frame(struct walk *w, uint8_t kind) {
    struct meter_body *b = w->b;
    if (b->frame_count == b->frame_room) {
        b->frame_room = b->frame_room ? 2 * b->frame_room : 64;
        b->frames = xrealloc(b->frames, b->frame_room * sizeof *b->frames);
    }
    b->frames[b->frame_count] = (struct meter_frame){.kind = kind, .live_before = w->live};
    return &b->frames[b->frame_count++];
}

static void open_region(struct walk *w, uint32_t at, enum meter_point_kind kind) {
    add_point(w->b, at, kind, 0);
    w->region = w->b->point_count - 1;
}

static void pay(struct walk *w, uint64_t cost) {
    if (!cost)
        return;
    if (w->region == NO_REGION)
        open_region(w, w->at, METER_CHARGE);
    w->b->points[w->region].cost += cost;
}

// The region ends here; from now on `owed` includes it.
static void close_region(struct walk *w) {
    if (w->region == NO_REGION)
        return;
    struct meter_point *p = &w->b->points[w->region];
    w->region = NO_REGION;
    if (w->p->near)
        return;
    w->owed += p->cost;
    if (w->owed > METER_OVERRUN)
        p->look = true;
    if (p->look)
        w->owed = 0;
}

static bool branch(struct walk *w, uint32_t depth, struct err *e) {
    struct meter_body *b = w->b;
    if (depth >= b->frame_count)
        return wasm_refuse(e, ERR_INVALID, b->code_offset + w->at, "branch out of %u levels of %zu", depth,
                           b->frame_count);
    struct meter_frame *f = &b->frames[b->frame_count - 1 - depth];
    b->shape.branches++;
    if (!w->live)
        return true;
    f->targeted = true;
    if (w->owed > f->owed)
        f->owed = w->owed;
    return true;
}

static bool branch_table(struct walk *w, const struct wasm_instr *in, struct err *e) {
    w->b->shape.joins += in->index[0];
    struct wasm_reader labels = wasm_reader_of(in->labels, 0);
    for (uint32_t i = 0; i <= in->index[0]; i++) {
        uint32_t depth;
        if (!wasm_read_u32(&labels, &depth, e) || !branch(w, depth, e))
            return false;
    }
    return true;
}

// Values that a block of this type takes and gives.
static uint64_t values_of_block(const struct walk *w, int64_t type) {
    if (type < 0 || type >= w->m->type_count)
        return type == -64 ? 0 : 1;
    const struct wasm_functype *t = &w->m->types[type];
    return (uint64_t)t->param_count + t->result_count;
}

static void start_frame(struct walk *w, const struct wasm_instr *in) {
    struct meter_shape *shape = &w->b->shape;
    uint64_t values = values_of_block(w, in->block);
    shape->joins++;
    shape->values += meter_work_values(values);
    if (values > shape->widest)
        shape->widest = values;
    w->b->blocks++;
    struct meter_frame *f = push_frame(w, (uint8_t)in->code);
    if (w->p->near)
        meter_near_start_frame(w->b, in);
    if (!w->live || in->code == WASM_OP_BLOCK)
        return;
    close_region(w);
    f->owed_else = w->owed;
    if (in->code != WASM_OP_LOOP)
        return;
    open_region(w, w->next, METER_CHARGE);
    struct meter_point *p = &w->b->points[w->region];
    p->look = !w->p->near;
    p->cost = w->p->cost[WASM_PRICE_LOOP];
}

static bool start_else(struct walk *w, struct err *e) {
    struct meter_frame *f = &w->b->frames[w->b->frame_count - 1];
    if (f->kind != WASM_OP_IF)
        return wasm_refuse(e, ERR_INVALID, w->b->code_offset + w->at, "else without an if");
    close_region(w);
    if (w->live) {
        f->targeted = true;
        if (w->owed > f->owed)
            f->owed = w->owed;
    }
    f->kind = WASM_OP_ELSE;
    w->live = f->live_before;
    w->owed = f->owed_else;
    return true;
}

static void end_frame(struct walk *w) {
    struct meter_frame *f = &w->b->frames[w->b->frame_count - 1];
    bool from_if = f->kind == WASM_OP_IF && f->live_before; // without an else the end is where it goes
    bool joins = from_if || (f->kind != WASM_OP_LOOP && f->targeted);
    w->b->frame_count--;
    if (!joins)
        return;
    close_region(w);
    uint64_t owed = w->live ? w->owed : 0;
    if (f->owed > owed)
        owed = f->owed;
    if (from_if && f->owed_else > owed)
        owed = f->owed_else;
    w->owed = owed;
    w->live = true;
}

static bool call(struct walk *w, const struct wasm_instr *in, struct err *e) {
    const struct wasm_module *m = w->m;
    bool direct = in->code == WASM_OP_CALL;
    if (in->index[0] >= (direct ? m->function_count : m->type_count) || (!direct && in->index[1] >= m->table_count))
        return wasm_refuse(e, ERR_INVALID, w->b->code_offset + w->at, "call of what does not exist");
    const struct wasm_functype *type = &m->types[direct ? m->functions[in->index[0]] : in->index[0]];
    w->b->shape.values += meter_work_values((uint64_t)type->param_count + type->result_count);
    close_region(w);
    if (!w->live || w->p->near)
        return true;
    // Whoever may be called outside this module must not be called on credit.
    bool outside = !direct || in->index[0] < m->imported_functions;
    add_point(w->b, w->at, METER_SAVE, 0)->look = outside && w->owed;
    open_region(w, w->next, METER_RELOAD);
    w->owed = METER_OVERRUN_EXIT;
    return true;
}

static bool check_local(struct walk *w, const struct wasm_instr *in, struct err *e) {
    w->b->shape.accesses++;
    return in->index[0] < w->b->locals ||
           wasm_refuse(e, ERR_INVALID, w->b->code_offset + w->at, "local %u does not exist; it is named", in->index[0]);
}

static bool check_global(struct walk *w, const struct wasm_instr *in, struct err *e) {
    return in->index[0] < w->m->global_count || wasm_refuse(e, ERR_INVALID, w->b->code_offset + w->at,
                                                            "global %u does not exist; it is named", in->index[0]);
}

static void leave(struct walk *w) {
    close_region(w);
    w->live = false;
}

// What the operator does to control, after it has been paid.
static bool step_control(struct walk *w, const struct wasm_instr *in, struct err *e) {
    switch (in->code) {
    case WASM_OP_BLOCK:
    case WASM_OP_LOOP:
    case WASM_OP_IF: start_frame(w, in); return true;
    case WASM_OP_ELSE: return start_else(w, e);
    case WASM_OP_BR:
        close_region(w);
        if (!branch(w, in->index[0], e))
            return false;
        w->live = false;
        return true;
    case WASM_OP_BR_IF: close_region(w); return branch(w, in->index[0], e);
    case WASM_OP_BR_TABLE:
        close_region(w);
        if (!branch_table(w, in, e))
            return false;
        w->live = false;
        return true;
    case WASM_OP_RETURN:
        close_region(w);
        if (w->live)
            add_point(w->b, w->at, METER_RETURN, w->b->frame_count - 1);
        if (!branch(w, (uint32_t)(w->b->frame_count - 1), e))
            return false;
        w->live = false;
        return true;
    case WASM_OP_UNREACHABLE: leave(w); return true;
    case WASM_OP_CALL:
    case WASM_OP_CALL_INDIRECT: return call(w, in, e);
    case WASM_OP_LOCAL_GET:
    case WASM_OP_LOCAL_SET:
    case WASM_OP_LOCAL_TEE: return check_local(w, in, e);
    case WASM_OP_GLOBAL_GET:
    case WASM_OP_GLOBAL_SET: return check_global(w, in, e);
    default: // not an enum: operators that leave control alone
        if (w->p->near && in->op->traps)
            close_region(w);
        return true;
    }
}

static void pay_instr(struct walk *w, const struct wasm_instr *in) {
    if (!w->live)
        return;
    if (in->op->price != WASM_PRICE_LOOP) // a loop pays at its header, each turn
        pay(w, w->p->cost[in->op->price]);
    uint64_t unit = w->p->unit[in->op->price];
    if (unit) {
        add_point(w->b, w->at, METER_UNITS, unit)->look = true;
        w->b->units = true;
    }
}

static bool walk_code(struct walk *w, struct err *e) {
    struct meter_body *b = w->b;
    push_frame(w, 0);
    while (w->r.at != w->r.end) {
        w->at = (uint32_t)(w->r.at - w->r.start);
        struct wasm_instr in;
        if (!wasm_read_instr(&w->r, &in, e))
            return false;
        w->next = (uint32_t)(w->r.at - w->r.start);
        if (w->p->near) {
            if (!meter_near_accept_instr(&in, b->code_offset + w->at, e))
                return false;
            meter_near_step(b, w->m, &in);
        }
        pay_instr(w, &in);
        if (in.code == WASM_OP_END) {
            if (b->frame_count == 1)
                break;
            end_frame(w);
        } else if (!step_control(w, &in, e)) {
            return false;
        }
    }
    if (w->r.at != w->r.end || b->frame_count != 1)
        return wasm_refuse(e, ERR_INVALID, wasm_offset(&w->r),
                           "malformed module: a body does not end with its last `end`");
    close_region(w);
    b->wrapped = b->frames[0].targeted;
    uint64_t owed = w->live ? w->owed : 0;
    if (b->frames[0].owed > owed)
        owed = b->frames[0].owed;
    b->look_at_end = !w->p->near && owed > METER_OVERRUN_EXIT;
    return true;
}

static uint64_t size_of(uint8_t type) { return type == WASM_I32 || type == WASM_F32 ? 4 : type == WASM_V128 ? 16 : 8; }

// `n` locals more of a type.
static bool add_locals(struct meter_body *b, uint64_t n, uint8_t type) {
    if (n > WASM_LOCALS_MAX - b->locals)
        return false;
    if (!n) // a declaration of no locals: there may be no list yet
        return true;
    if (b->locals + n > b->local_room) {
        b->local_room = WASM_LOCALS_MAX;
        b->local_types = xrealloc(b->local_types, b->local_room);
    }
    memset(b->local_types + b->locals, type, n);
    b->locals += (uint32_t)n;
    b->locals_bytes += n * size_of(type);
    return true;
}

// Reads the declarations of locals.
static bool read_locals(struct meter_body *b, struct wasm_reader *r, struct err *e) {
    for (uint32_t i = 0; i < b->type->param_count; i++)
        BUG_ON(!add_locals(b, 1, b->type->params[i]));
    if (!wasm_read_count(r, "declarations of locals", 2, WASM_LOCALS_MAX, &b->decl_count, e))
        return false;
    b->decls_offset = wasm_offset(r);
    const uint8_t *start = r->at;
    for (uint32_t i = 0; i < b->decl_count; i++) {
        uint64_t where = wasm_offset(r);
        uint32_t n;
        uint8_t type = 0;
        if (!wasm_read_u32(r, &n, e) || !wasm_read_byte(r, &type, e))
            return false;
        if (!wasm_is_valtype(type))
            return wasm_refuse(e, ERR_INVALID, where, "local of a type that is not accepted");
        if (!add_locals(b, n, type))
            return wasm_refuse(e, ERR_LIMIT, where, "a function has more than %u locals", WASM_LOCALS_MAX);
    }
    b->decls = slice_of(start, (size_t)(r->at - start));
    return true;
}

bool meter_body_analyse(struct meter_body *b, const struct wasm_module *m, const struct meter_prices *p, uint32_t index,
                        bool realloc, struct slice entry, uint64_t offset, struct err *e) {
    if (entry.len > WASM_BODY_MAX)
        return wasm_refuse(e, ERR_LIMIT, offset, "function %u has a body of %zu bytes, at most %u are accepted,", index,
                           entry.len, WASM_BODY_MAX);
    struct meter_body fresh = {.index = index,
                               .type = &m->types[m->functions[index]],
                               .entry_offset = offset,
                               .points = b->points,
                               .point_room = b->point_room,
                               .frames = b->frames,
                               .frame_room = b->frame_room,
                               .operands = b->operands,
                               .operand_room = b->operand_room,
                               .local_types = b->local_types,
                               .local_room = b->local_room};
    *b = fresh;
    struct wasm_reader r = wasm_reader_of(entry, offset);
    if (!read_locals(b, &r, e))
        return false;
    b->code = slice_of(r.at, wasm_left(&r));
    b->code_offset = wasm_offset(&r);
    struct walk w = {.b = b, .m = m, .p = p, .r = wasm_reader_of(b->code, b->code_offset), .live = true};
    // The entry pays and looks for the region that starts with the body.
    open_region(&w, 0, p->near ? METER_CHARGE : METER_RELOAD);
    b->points[0].look = !p->near;
    b->points[0].cost = p->near ? (64 + b->locals_bytes + 7) / 8 * p->entry : p->entry;
    if (realloc && p->realloc)
        add_point(b, 0, METER_SIZE, p->realloc)->look = true;
    b->shape = (struct meter_shape){.bytes = entry.len, .widest = b->type->result_count};
    return walk_code(&w, e);
}
