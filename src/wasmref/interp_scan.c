// SPDX-License-Identifier: Apache-2.0
// One look over a body before it runs: where its blocks end, and how many bytes of operands NEAR reckons with.
#include "base/err.h"
#include "wasmref/interp.h"

#define DEEPEST 1000

struct label {
    uint32_t start; // offset behind the block's type
    uint8_t op;
    int64_t type;
    size_t height;
    bool dead;
};

struct scan {
    struct ref_module *m;
    struct ref_function *f;
    struct label labels[DEEPEST];
    size_t depth;
    uint8_t sizes[100000];
    size_t count;
    uint64_t now;
};

static uint8_t bytes_of(uint8_t type) { return type == 0x7f || type == 0x7d ? 4 : type == 0x7b ? 16 : 8; }

static void push(struct scan *s, uint8_t size) {
    if (s->labels[s->depth].dead)
        return;
    BUG_ON(s->count == sizeof s->sizes);
    s->sizes[s->count++] = size;
    s->now += size;
    if (s->now > s->f->operand_bytes)
        s->f->operand_bytes = s->now;
}

static void pop(struct scan *s, size_t n) {
    if (s->labels[s->depth].dead)
        return;
    for (; n && s->count; n--)
        s->now -= s->sizes[--s->count];
}

static void cut(struct scan *s, size_t height) {
    while (s->count > height)
        s->now -= s->sizes[--s->count];
}

static void call(struct scan *s, const struct ref_functype *t) {
    pop(s, t->param_count);
    for (uint32_t i = 0; i < t->result_count; i++)
        push(s, bytes_of(t->results[i]));
}

// Operands taken and bytes of the result of what has no say in control and no index that matters.
static void plain(struct scan *s, uint32_t op) {
    size_t pops = 0;
    uint8_t result = 0;
    if (op >= 0x28 && op <= 0x35) {
        pops = 1;
        result = op == 0x28 || op == 0x2a || (op >= 0x2c && op <= 0x2f) ? 4 : 8;
    } else if (op >= 0x36 && op <= 0x3e)
        pops = 2;
    else if (op == 0x3f || op == 0x41 || op == 0x43)
        result = 4;
    else if (op == 0x42 || op == 0x44 || op == 0xd0 || op == 0xd2)
        result = 8;
    else if (op == 0x45 || op == 0x50 || op == 0xd1 || op == 0x40) {
        pops = 1;
        result = 4;
    } else if (op >= 0x46 && op <= 0x66) {
        pops = 2;
        result = 4;
    } else if (op >= 0x67 && op <= 0xa6) {
        bool one = op <= 0x69 || (op >= 0x79 && op <= 0x7b) || (op >= 0x8b && op <= 0x91) || (op >= 0x99 && op <= 0x9f);
        pops = one ? 1 : 2;
        result = op <= 0x78 || (op >= 0x8b && op <= 0x98) ? 4 : 8;
    } else if (op >= 0xa7 && op <= 0xc4) {
        pops = 1;
        bool four = op <= 0xab || (op >= 0xb2 && op <= 0xb6) || op == 0xbc || op == 0xbe || op == 0xc0 || op == 0xc1;
        result = four ? 4 : 8;
    } else if (op >= 0xfc00 && op <= 0xfc07) {
        pops = 1;
        result = op <= 0xfc03 ? 4 : 8;
    } else if (op == 0x1a || op == 0x0d || op == 0x21 || op == 0x24)
        pops = 1;
    else if (op == 0x1b || op == 0x1c || op == 0x26)
        pops = 2;
    else if (op == 0x25) {
        pops = 1;
        result = 8;
    } else if (op == 0xfc0f) {
        pops = 2;
        result = 4;
    } else if (op == 0xfc10)
        result = 4;
    else if (op == 0xfc08 || op == 0xfc0a || op == 0xfc0b || op == 0xfc0c || op == 0xfc0e || op == 0xfc11)
        pops = 3;
    pop(s, pops);
    if (result)
        push(s, result);
}

static void start(struct scan *s, uint32_t op, int64_t type, uint32_t at) {
    if (op == 4)
        pop(s, 1);
    BUG_ON(s->depth + 1 == DEEPEST);
    struct label *l = &s->labels[s->depth + 1];
    *l = (struct label){.start = at, .op = (uint8_t)op, .type = type, .height = s->count, .dead = l[-1].dead};
    s->depth++;
}

static void end(struct scan *s, uint32_t at) {
    struct label *l = &s->labels[s->depth];
    cut(s, l->height);
    if (s->depth == 0)
        return;
    s->f->end_of[l->start] = at;
    s->depth--;
    if (l->type < 0 && l->type != -64)
        push(s, bytes_of((uint8_t)(l->type + 128)));
}

static void step(struct scan *s, const uint8_t **p, uint32_t op) {
    const uint8_t *q = *p;
    ref_skip(p, op);
    uint32_t at = (uint32_t)(*p - s->f->code);
    switch (op) {
    case 0x02:
    case 0x03:
    case 0x04: start(s, op, ref_sleb(&q), at); return;
    case 0x05:
        s->f->else_of[s->labels[s->depth].start] = at;
        cut(s, s->labels[s->depth].height);
        s->labels[s->depth].dead = s->labels[s->depth - 1].dead;
        return;
    case 0x0b: end(s, at); return;
    case 0x00:
    case 0x0c:
    case 0x0e:
    case 0x0f: s->labels[s->depth].dead = true; return;
    case 0x10: call(s, s->m->functions[ref_leb(&q)].type); return;
    case 0x11: call(s, &s->m->types[ref_leb(&q)]); return; // NEAR forgets to take the index
    case 0x20: push(s, bytes_of(s->f->locals[ref_leb(&q)])); return;
    case 0x23: push(s, bytes_of(s->m->global_types[ref_leb(&q)])); return;
    default: plain(s, op);
    }
}

void ref_scan(struct ref_module *m, struct ref_function *f) {
    struct scan *s = xcalloc(1, sizeof *s);
    s->m = m;
    s->f = f;
    f->end_of = arena_calloc(m->arena, f->code_len + 1, sizeof *f->end_of);
    f->else_of = arena_calloc(m->arena, f->code_len + 1, sizeof *f->else_of);
    const uint8_t *p = f->code;
    while (p < f->code + f->code_len)
        step(s, &p, ref_op(&p));
    free(s);
}
