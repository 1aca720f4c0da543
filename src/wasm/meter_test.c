// SPDX-License-Identifier: Apache-2.0
// What the rewriter refuses by itself, without the engine's validator before it: that one is looked at first, and the
// rewriter must not depend on it.
#include "wasm/meter.h"

#include "base/file.h"
#include "base/test.h"
#include <dirent.h>

#define SEEDS "src/wasm/seeds/meter"
#define SEED_MAX (1u << 20)
#define MADE_MAX (8u << 20)

// --- modules, made by hand

static void put_u32(struct buf *b, uint32_t v) {
    do {
        uint8_t byte = (uint8_t)(v & 0x7f) | (v > 0x7f ? 0x80 : 0);
        buf_add(b, &byte, 1);
    } while (v >>= 7);
}

static void put_section(struct buf *b, uint8_t id, struct slice body) {
    buf_add(b, &id, 1);
    put_u32(b, (uint32_t)body.len);
    buf_add_slice(b, body);
}

static void put_header(struct buf *b) {
    buf_clear(b);
    buf_add(b, "\0asm\1\0\0\0", 8);
}

#define BYTES(text) slice_of(text, sizeof(text) - 1)
#define ONE_TYPE BYTES("\1\x60\0\0") // () -> ()

// `count` times these bytes, behind their number.
static struct slice repeated(struct buf *b, uint32_t count, struct slice one) {
    buf_clear(b);
    put_u32(b, count);
    for (uint32_t i = 0; i < count; i++)
        buf_add_slice(b, one);
    return buf_slice(b);
}

// A body with its length: locals (one group of i32), then operators, then the end.
static void put_body(struct buf *b, uint32_t locals, struct slice operators) {
    SCOPED_BUF(own, MADE_MAX);
    put_u32(&own, locals ? 1 : 0);
    if (locals) {
        put_u32(&own, locals);
        buf_add(&own, "\x7f", 1);
    }
    buf_add_slice(&own, operators);
    buf_add(&own, "\x0b", 1);
    put_u32(b, (uint32_t)own.len);
    buf_add_slice(b, buf_slice(&own));
}

// Functions of the only type, all with this body.
static void put_functions(struct buf *b, struct slice types, uint32_t count, uint32_t locals, struct slice operators) {
    SCOPED_BUF(part, MADE_MAX);
    SCOPED_BUF(body, MADE_MAX);
    put_header(b);
    put_section(b, 1, types);
    put_section(b, 3, repeated(&part, count, BYTES("\0")));
    put_body(&body, locals, operators);
    put_section(b, 10, repeated(&part, count, buf_slice(&body)));
}

// Two sections: the type and another one.
static void put_with(struct buf *b, uint8_t id, struct slice body) {
    put_header(b);
    put_section(b, 1, ONE_TYPE);
    put_section(b, id, body);
}

// --- the tests

// The words of the refusal, or of its hint.
static void refused(struct slice module, const struct meter_prices *p, const char *words) {
    SCOPED_BUF(out, MADE_MAX);
    struct err e = {0};
    if (meter_rewrite(module, p, &out, &e))
        fail_msg("taken, want '%s'", words);
    if (!strstr(e.msg, words) && !strstr(e.hint, words))
        fail_msg("'%s' (%s), want '%s'", e.msg, e.hint, words);
}

// If this fails, who uses a part of WebAssembly that is not accepted is not told which.
static void operators_of_proposals(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *words;
    } cases[] = {
#define OP(text, words) {text, sizeof(text) - 1, words}
        OP("\x06\x40\x0b", "exception handling"),
        OP("\x08\0", "exception handling"),
        OP("\x18\0", "exception handling"),
        OP("\x1f\x40\0\x0b", "exception handling"),
        OP("\x12\0", "tail calls"),
        OP("\x13\0\0", "tail calls"),
        OP("\x14\0", "typed function references"),
        OP("\xd3", "typed function references"),
        OP("\xe0\0", "stack switching"),
        OP("\xfb\0\0", "garbage collection"),
        OP("\xfc\x13", "wide arithmetic"),
        OP("\xfd\x80\2", "relaxed SIMD"),
        OP("\xfe\0\0", "threads"),
        OP("\xff", "unknown operator 0xff"),
        OP("\x27", "unknown operator 0x27"),
#undef OP
    };
    SCOPED_BUF(b, MADE_MAX);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        put_functions(&b, ONE_TYPE, 1, 0, slice_of(cases[i].bytes, cases[i].len));
        refused(buf_slice(&b), &meter_prices_outlayer, cases[i].words);
        refused(buf_slice(&b), &meter_prices_near, cases[i].words);
    }
}

// If this fails, a module's form decides about it that no engine was asked about.
static void forms_that_are_refused(void **state) {
    (void)state;
    static const struct {
        uint8_t id;
        struct slice body;
        const char *words;
    } cases[] = {
        {5, {(const uint8_t *)"\1\4\1", 3}, "64-bit memories and tables"},
        {5, {(const uint8_t *)"\1\3\1\1", 4}, "shared memories"},
        {5, {(const uint8_t *)"\1\x10\1", 3}, "limits of an unknown form"},
        {5, {(const uint8_t *)"\2\0\1\0\1", 5}, "second memory"},
        {4, {(const uint8_t *)"\1\x63\0\1", 4}, "table of a type that is not accepted"},
        {4, {(const uint8_t *)"\1\x70\0\xff\xff\xff\x7f", 7}, "tables of 268435455 elements are declared"},
        {6, {(const uint8_t *)"\1\x7f\0\x1a\x0b", 5}, "in a constant expression"},
        {13, {(const uint8_t *)"\1\0\0", 3}, "exception handling is not accepted"},
        {77, {(const uint8_t *)"", 0}, "section of the unknown kind 77"},
        {1, {(const uint8_t *)"\0", 1}, "out of order"},
        {3, {(const uint8_t *)"\xff\xff\xff\xff\x7f", 5}, "a number is too long"},
        {3, {(const uint8_t *)"\xff\xff\x3f", 3}, "too many"},
        {3, {(const uint8_t *)"\x7f", 1}, "do not fit into what follows"},
        {3, {(const uint8_t *)"", 0}, "the bytes end too early"},
        {3, {(const uint8_t *)"\1\0", 2}, "0 bodies for 1 functions"},
    };
    SCOPED_BUF(b, MADE_MAX);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        put_with(&b, cases[i].id, cases[i].body);
        refused(buf_slice(&b), &meter_prices_outlayer, cases[i].words);
    }
    refused(BYTES("\0asm\2\0\0\0"), &meter_prices_outlayer, "not a WebAssembly module");
    refused(BYTES("\0asm\x0d\0\1\0"), &meter_prices_near, "a contract is a core module");
}

// --- NEAR

static void refused_by_form(struct buf *b, uint8_t id, struct slice body, const char *name) {
    put_with(b, id, body);
    refused(buf_slice(b), &meter_prices_near, name);
}

static void refused_by_body(struct buf *b, struct slice operators, const char *name) {
    put_functions(b, ONE_TYPE, 1, 0, operators);
    refused(buf_slice(b), &meter_prices_near, name);
}

static void refused_by_type(struct buf *b, struct slice types, const char *name) {
    put_header(b);
    put_section(b, 1, types);
    refused(buf_slice(b), &meter_prices_near, name);
}

// If this fails, the devnet takes a contract that NEAR refuses, or the other way round, or gives another name for it.
static void what_near_refuses(void **state) {
    (void)state;
    SCOPED_BUF(b, MADE_MAX);
    SCOPED_BUF(part, MADE_MAX);
    refused_by_type(&b, repeated(&part, 1025, BYTES("\x60\0\0")), "TooManyTypes");
    refused_by_type(&b, BYTES("\1\x60\0\2\x7f\x7f"), "Deserialization");
    refused_by_type(&b, BYTES("\1\x60\1\x7b\0"), "Deserialization");
    refused_by_form(&b, 2, BYTES("\1\3env\1n\2\0\1"), "Memory");
    refused_by_form(&b, 2, BYTES("\1\3env\1n\3\x7f\0"), "Instantiate");
    refused_by_form(&b, 2, BYTES("\1\1m\1n\0\0"), "a contract imports from 'env'");
    refused_by_form(&b, 4, BYTES("\2\x70\0\1\x70\0\1"), "TooManyTables");
    refused_by_form(&b, 4, BYTES("\1\x70\0\x91\x4e"), "TooManyTableElements"); // 10,001
    refused_by_form(&b, 4, BYTES("\1\x6f\0\1"), "Deserialization");
    refused_by_form(&b, 6, BYTES("\1\x7f\0\x41\1\x41\1\x6a\x0b"), "Deserialization"); // a computed value
    put_functions(&b, ONE_TYPE, 10001, 0, BYTES(""));
    refused(buf_slice(&b), &meter_prices_near, "TooManyFunctions");
    put_functions(&b, ONE_TYPE, 26, 40000, BYTES(""));
    refused(buf_slice(&b), &meter_prices_near, "TooManyLocals");

    SCOPED_BUF(type, 1024);
    buf_add(&type, "\1\x60", 2);
    buf_add_slice(&type, repeated(&part, 65, BYTES("\x7f")));
    buf_add(&type, "\0", 1);
    put_functions(&b, buf_slice(&type), 1, 0, BYTES(""));
    refused(buf_slice(&b), &meter_prices_near, "TooManyParamsPerFunction");
    buf_clear(&type);
    buf_add(&type, "\1\x60", 2);
    buf_add_slice(&type, repeated(&part, 64, BYTES("\x7f")));
    buf_add(&type, "\0", 1);
    put_functions(&b, buf_slice(&type), 782, 0, BYTES(""));
    refused(buf_slice(&b), &meter_prices_near, "TooManyParamsPerContract");
}

// The same about what functions do.
static void what_near_refuses_in_bodies(void **state) {
    (void)state;
    SCOPED_BUF(b, MADE_MAX);
    SCOPED_BUF(ops, MADE_MAX);
    for (int i = 0; i < 196700; i++)
        buf_add(&ops, "\1", 1);
    refused_by_body(&b, buf_slice(&ops), "FunctionBodyTooLarge");
    buf_clear(&ops);
    for (int i = 0; i < 5001; i++)
        buf_add(&ops, "\2\x40\x0b", 3);
    refused_by_body(&b, buf_slice(&ops), "TooManyBlocksPerFunction");
    put_functions(&b, ONE_TYPE, 11, 0, slice_of(ops.ptr, 5000 * 3));
    refused(buf_slice(&b), &meter_prices_near, "TooManyBlocksPerContract");
    buf_clear(&ops);
    for (int i = 0; i < 1025; i++)
        buf_add(&ops, "\x42\0", 2);
    for (int i = 0; i < 1025; i++)
        buf_add(&ops, "\x1a", 1);
    refused_by_body(&b, buf_slice(&ops), "OperandStackTooLarge");
    refused_by_body(&b, BYTES("\xfd\x0c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x1a"), "Deserialization"); // v128.const
    refused_by_body(&b, BYTES("\xd0\x6f\x1a"), "Deserialization");                                 // ref.null extern
    refused_by_body(&b, BYTES("\2\x6f\xd0\x6f\x0b\x1a"), "Deserialization");
}

// --- what is cut and changed

// Both price lists; whatever is refused is refused with a sentence.
static void look(struct slice bytes) {
    static const struct meter_prices *const lists[] = {&meter_prices_outlayer, &meter_prices_near};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        SCOPED_BUF(out, MADE_MAX);
        struct err e = {0};
        if (!meter_rewrite(bytes, lists[i], &out, &e))
            assert_true(e.msg[0]);
    }
}

// If this fails, bytes of strangers are read beyond their end, or a refusal says nothing.
static void seeds_cut_and_changed(void **state) {
    (void)state;
    DIR *d = opendir(SEEDS);
    unsigned seeds = 0;
    assert_non_null(d);
    for (struct dirent *it; (it = readdir(d));) {
        SCOPED_ARENA(a);
        struct slice seed;
        struct err e = {0};
        if (it->d_name[0] == '.')
            continue;
        assert_ok(file_read(a, arena_printf(a, SEEDS "/%s", it->d_name), SEED_MAX, &seed, &e), &e);
        seeds++;
        size_t step = seed.len / 600 + 1;
        for (size_t len = 0; len < seed.len; len += step) {
            uint8_t *cut = xmalloc(len + 1); // exactly as long, for whoever looks at the heap
            memcpy(cut, seed.ptr, len);
            look(slice_of(cut, len));
            free(cut);
        }
        uint8_t *changed = arena_alloc(a, seed.len + 1);
        memcpy(changed, seed.ptr, seed.len);
        for (size_t at = 8; at < seed.len; at += step)
            for (unsigned bit = 1; bit < 256; bit *= 4) {
                changed[at] ^= (uint8_t)bit;
                look(slice_of(changed, seed.len));
                changed[at] ^= (uint8_t)bit;
            }
    }
    closedir(d);
    assert_true(seeds > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(operators_of_proposals),
                                       cmocka_unit_test(forms_that_are_refused), cmocka_unit_test(what_near_refuses),
                                       cmocka_unit_test(what_near_refuses_in_bodies),
                                       cmocka_unit_test(seeds_cut_and_changed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
