// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "base/arena.h"
#include "dcap/json.h"

struct inner {
    uint8_t n;
};
struct outer {
    struct bytes text, escaped, raw;
    uint8_t hex[2];
    uint64_t date;
    uint16_t n16;
    uint32_t n32;
    struct inner inner;
    unsigned count, sum;
};
static bool take_number(struct dcap_json *j, void *out) {
    static const struct dcap_json_member members[] = {DCAP_JSON_REQUIRED(struct inner, n, "n", DCAP_JSON_NUMBER, 0)};
    static const struct dcap_json_shape shape = {members, 1, NULL};
    struct outer *o = out;
    struct inner in;
    if (!dcap_json_object(&in, j, &shape))
        return false;
    o->count++;
    o->sum += in.n;
    return true;
}
static const struct dcap_json_each each = {take_number};
static const struct dcap_json_member inner_members[] = {DCAP_JSON_REQUIRED(struct inner, n, "n", DCAP_JSON_NUMBER, 0)};
static const struct dcap_json_shape inner_shape = {inner_members, 1, NULL};
static const void *const taken[] = {&inner_shape, &each};
static const struct dcap_json_member members[] = {
    DCAP_JSON_OPTIONAL(struct outer, text, "text", DCAP_JSON_TEXT, 0),
    DCAP_JSON_OPTIONAL(struct outer, escaped, "escaped", DCAP_JSON_ESCAPED, 0),
    DCAP_JSON_OPTIONAL(struct outer, raw, "raw", DCAP_JSON_RAW, 0),
    DCAP_JSON_OPTIONAL(struct outer, hex, "hex", DCAP_JSON_HEX, 0),
    DCAP_JSON_OPTIONAL(struct outer, date, "date", DCAP_JSON_DATE, 0),
    DCAP_JSON_OPTIONAL(struct outer, n16, "n16", DCAP_JSON_NUMBER, 0),
    DCAP_JSON_OPTIONAL(struct outer, n32, "n32", DCAP_JSON_NUMBER, 0),
    DCAP_JSON_OPTIONAL(struct outer, inner, "inner", DCAP_JSON_OBJECT, 0),
    DCAP_JSON_OPTIONAL(struct outer, count, "each", DCAP_JSON_EACH, 1),
    DCAP_JSON_OPTIONAL(struct outer, count, "by", DCAP_JSON_BY, 1)};
static const struct dcap_json_shape shape = {members, sizeof members / sizeof *members, taken};

static enum dcap_code read_text(struct outer *o, const char *text, size_t len) {
    struct dcap_fault f = {.code = DCAP_OK};
    *o = (struct outer){.count = 0};
    char *exact = malloc(len ? len : 1); // so that a sanitizer sees who reads behind it
    assert_non_null(exact);
    memcpy(exact, text, len);
    bool ok = dcap_json_document(o, (struct bytes){(const uint8_t *)exact, len}, &shape, DCAP_PART_TCB_INFO, &f);
    if (ok == (f.code != DCAP_OK) || (!ok && f.part != DCAP_PART_TCB_INFO))
        fail_msg("%s: a fault beside a result, or neither", text);
    free(exact);
    return f.code;
}

static void names_are_whole(void **state) {
    (void)state;
    struct outer o;
    static const char text[] = "{\"tex\":\"a\",\"texts\":\"b\",\"\":\"c\"}";
    assert_int_equal(read_text(&o, text, sizeof text - 1), DCAP_OK);
    assert_null(o.text.ptr);
}

static void takes_what_is_named(void **state) {
    (void)state;
    struct outer o;
    static const char text[] =
        " { \"text\" : \"abc\" , \"escaped\":\"a\\n\\u00e4\\\"\",\"raw\":[1,{\"x\":[]}],\"hex\":\"aB01\","
        "\"date\":\"2025-06-19T10:56:11Z\",\"n16\":65535,\"n32\":4294967295,\"inner\":{\"n\":255},"
        "\"each\":[{\"n\":1},{\"n\":2,\"more\":null}],\"by\":{\"n\":4}}\r\n\t ";
    assert_int_equal(read_text(&o, text, sizeof text - 1), DCAP_OK);
    assert_int_equal(o.hex[0] << 8 | o.hex[1], 0xab01);
    assert_int_equal(o.date, 1750330571);
    assert_int_equal(o.n16, 65535);
    assert_int_equal(o.n32, 4294967295);
    assert_int_equal(o.inner.n, 255);
    assert_int_equal(o.count, 3);
    assert_int_equal(o.sum, 7);
    assert_int_equal(o.text.len, 3);
    assert_int_equal(o.escaped.len, 11);
    assert_int_equal(o.raw.len, 12);
    for (size_t len = 0; len < sizeof text - 5; len++) // without its last brace it is none
        assert_int_equal(read_text(&o, text, len) == DCAP_OK, false);
}

static void deep(char *to, unsigned depth, char open, char close) {
    memset(to, open, depth);
    memset(to + depth, close, depth);
    to[2 * depth] = 0;
}

static const struct {
    const char *text;
    enum dcap_code code;
} texts[] = {
    {"{}", DCAP_OK},
    {"{\"a\":{\"b\":[true,false,null,-0.5e+7,\"\\u12aF\\/\",{},[]],\"c\":0}}", DCAP_OK},
    {"{\"a\":1,\"a\":2}", DCAP_JSON_DUPLICATE}, // also of what is not used
    {"{\"a\":1,\"ab\":2,\"b\":3,\"\":4}", DCAP_OK},
    {"{\"\":1,\"a\":2,\"\":3}", DCAP_JSON_DUPLICATE},
    {"{\"a\":{\"b\":[1,{\"c\":1,\"d\":{},\"c\":2}]}}", DCAP_JSON_DUPLICATE},
    {"{\"a\":{\"c\":1},\"b\":{\"c\":1},\"c\":[{\"c\":1},{\"c\":1}]}", DCAP_OK},
    {"{\"each\":[{\"n\":1,\"x\":1,\"x\":1}]}", DCAP_JSON_DUPLICATE},
    {"{\"inner\":{\"n\":1},\"inner\":{\"n\":1}}", DCAP_JSON_DUPLICATE},
    {"{\"text\":\"a\",\"x\":1,\"text\":\"a\"}", DCAP_JSON_DUPLICATE},
    {"{\"inner\":{}}", DCAP_JSON_MEMBER},
    {"{\"inner\":{\"n\":256}}", DCAP_JSON_VALUE},
    {"{\"inner\":{\"n\":-1}}", DCAP_JSON_VALUE},
    {"{\"inner\":{\"n\":1.0}}", DCAP_JSON_VALUE},
    {"{\"inner\":{\"n\":1e1}}", DCAP_JSON_VALUE},
    {"{\"inner\":{\"n\":01}}", DCAP_JSON_VALUE},
    {"{\"inner\":{\"n\":\"1\"}}", DCAP_JSON_VALUE},
    {"{\"inner\":{\"n\":null}}", DCAP_JSON_VALUE},
    {"{\"inner\":[]}", DCAP_JSON_VALUE},
    {"{\"n16\":65536}", DCAP_JSON_VALUE},
    {"{\"n32\":4294967296}", DCAP_JSON_VALUE},
    {"{\"n32\":99999999999999999999999999}", DCAP_JSON_VALUE},
    {"{\"n32\":18446744073709551617}", DCAP_JSON_VALUE},
    {"{\"hex\":\"abc\"}", DCAP_JSON_VALUE},
    {"{\"hex\":\"ab01ff\"}", DCAP_JSON_VALUE},
    {"{\"hex\":\"abxy\"}", DCAP_JSON_VALUE},
    {"{\"date\":\"2025-06-19 10:56:11Z\"}", DCAP_JSON_VALUE},
    {"{\"date\":1750330571}", DCAP_JSON_VALUE},
    {"{\"text\":\"a\\u0062\"}", DCAP_JSON_VALUE},
    {"{\"text\":7}", DCAP_JSON_VALUE},
    {"{\"each\":{}}", DCAP_JSON_VALUE},
    {"{\"each\":[{\"n\":1},]}", DCAP_JSON_VALUE},
    {"{\"each\":[{\"n\":1}{\"n\":1}]}", DCAP_JSON_FORMAT},
    {"{\"te\\u0078t\":\"a\"}", DCAP_JSON_FORMAT},
    {"{\"escaped\":\"\\x\"}", DCAP_JSON_FORMAT},
    {"{\"escaped\":\"\\u12g4\"}", DCAP_JSON_FORMAT},
    {"{\"escaped\":\"a\nb\"}", DCAP_JSON_FORMAT},
    {"{\"escaped\":\"", DCAP_JSON_FORMAT},
    {"{\"escaped\":null}", DCAP_OK},
    {"{\"escaped\":nul}", DCAP_JSON_FORMAT},
    {"", DCAP_JSON_FORMAT},
    {"[]", DCAP_JSON_FORMAT},
    {"\"text\"", DCAP_JSON_FORMAT},
    {"{} {}", DCAP_JSON_FORMAT},
    {"{}x", DCAP_JSON_FORMAT},
    {"{,}", DCAP_JSON_FORMAT},
    {"{\"a\"}", DCAP_JSON_FORMAT},
    {"{\"a\":}", DCAP_JSON_FORMAT},
    {"{\"a\":1,}", DCAP_JSON_FORMAT},
    {"{\"a\":1 \"b\":1}", DCAP_JSON_FORMAT},
    {"{a:1}", DCAP_JSON_FORMAT},
    {"{'a':1}", DCAP_JSON_FORMAT},
    {"{\"a\":01}", DCAP_JSON_FORMAT},
    {"{\"a\":1.}", DCAP_JSON_FORMAT},
    {"{\"a\":.5}", DCAP_JSON_FORMAT},
    {"{\"a\":1e}", DCAP_JSON_FORMAT},
    {"{\"a\":+1}", DCAP_JSON_FORMAT},
    {"{\"a\":NaN}", DCAP_JSON_FORMAT},
    {"{\"a\":[1,]}", DCAP_JSON_FORMAT},
    {"{\"a\":[,1]}", DCAP_JSON_FORMAT},
    {"{\"a\":[1}", DCAP_JSON_FORMAT},
    {"{\"a\":{\"b\":1]}", DCAP_JSON_FORMAT},
    {"{\"a\":{1:1}}", DCAP_JSON_FORMAT},
    {"{\"a\":{\"b\"}}", DCAP_JSON_FORMAT},
};

static void gives(const char *text, enum dcap_code expected) {
    struct outer o;
    enum dcap_code code = read_text(&o, text, strlen(text));
    if (code != expected)
        fail_msg("%s: %s, not %s", text, dcap_code_name(code), dcap_code_name(expected));
}

// Something that is not JSON passes, or something that is does not, or fails for another reason than its own.
static void refuses_by_name(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        gives(texts[i].text, texts[i].code);
}

// Objects may have so many members together that are within each other, each of a name of its own in its object; one
// that has ended counts no more.
static void counts_members(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    const char *most = "{\"m0\":0";
    for (int i = 1; i < DCAP_JSON_NAMES - 1; i++)
        most = arena_printf(a, "%s,\"m%d\":0", most, i);
    gives(arena_printf(a, "%s,\"n\":0}", most), DCAP_OK);
    gives(arena_printf(a, "%s,\"n\":0,\"o\":0}", most), DCAP_JSON_FORMAT);
    gives(arena_printf(a, "%s,\"m%d\":0}", most, DCAP_JSON_NAMES - 2), DCAP_JSON_DUPLICATE);
    gives(arena_printf(a, "{\"x\":%s}}", most), DCAP_OK);
    gives(arena_printf(a, "{\"x\":%s,\"n\":0}}", most), DCAP_JSON_FORMAT);
    gives(arena_printf(a, "{\"x\":[%s},%s}],\"y\":%s}}", most, most, "{\"x\":0"), DCAP_OK);
    gives(arena_printf(a, "{\"x\":%s},\"x\":0}", most), DCAP_JSON_DUPLICATE);
}

// What lies as deep as a document may passes, what lies deeper is refused.
static void refuses_what_is_too_deep(void **state) {
    (void)state;
    char bomb[200] = "{\"x\":", deepest[200] = "{\"x\":";
    deep(bomb + 5, DCAP_JSON_DEPTH + 1, '[', ']');
    bomb[strlen(bomb)] = '}';
    deep(deepest + 5, DCAP_JSON_DEPTH, '[', ']');
    deepest[strlen(deepest)] = '}';
    gives(deepest, DCAP_OK);
    gives(bomb, DCAP_JSON_FORMAT);
}

// A text loses or gains something on its way out of its quotes.
static void unescapes(void **state) {
    (void)state;
    static const struct {
        const char *in, *out; // out: NULL for what is refused
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e4\\u20AC\\ufffd", "A\xc3\xa4\xe2\x82\xac\xef\xbf\xbd"},
        {"\\ud83d", NULL},
        {"\\ud83d\\ude00", NULL},
        {"\\ud83dx", NULL},
        {"\\ud83d\\u0041", NULL},
        {"\\ude00", NULL},
        {"\\u12", NULL},
        {"\\x", NULL},
        {"\\", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t memory[64];
        struct bytes text = {memory, strlen(rows[i].in)};
        memcpy(memory, rows[i].in, text.len);
        bool ok = dcap_json_unescape(&text, memory);
        assert_int_equal(ok, rows[i].out != NULL);
        if (ok && (text.len != strlen(rows[i].out) || memcmp(text.ptr, rows[i].out, text.len) != 0))
            fail_msg("%s became %.*s", rows[i].in, (int)text.len, (const char *)text.ptr);
    }
}

// Long texts are read by eights: an escape, an end or a character that is none is missed at one of their places, and
// what is taken out is another text than one that is read byte by byte.
static void long_texts(void **state) {
    (void)state;
    for (size_t len = 0; len < 70; len++) {
        for (size_t at = 0; at <= len; at++) {
            static const char *const inserted[] = {"\\n", "\n", "\"", "\\", "\x1f", "\x7f", "\\u0041", "\xc3\xa4", ""};
            static const bool good[] = {true, false, false, false, false, true, true, true, true};
            for (unsigned i = 0; i < sizeof inserted / sizeof *inserted; i++) {
                char text[128] = "{\"escaped\":\"", *p = text + strlen(text), plain[128];
                size_t more = strlen(inserted[i]);
                memset(p, 'a', len + more);
                memcpy(p + at, inserted[i], more);
                memcpy(p + len + more, "\"}", 3);
                struct outer o = {.count = 0};
                struct dcap_fault f;
                struct bytes all = {(const uint8_t *)text, strlen(text)};
                bool ok = dcap_json_document(&o, all, &shape, DCAP_PART_TCB_INFO, &f);
                assert_int_equal(ok, good[i] || (i == 3 && at < len && strchr("\"\\/bfnrt", p[at + 1])));
                if (!ok)
                    continue;
                uint8_t memory[128];
                struct bytes out = {memory, o.escaped.len};
                memcpy(memory, o.escaped.ptr, o.escaped.len);
                assert_true(dcap_json_unescape(&out, memory));
                memset(plain, 'a', sizeof plain);
                size_t n = i == 0 || i == 6 ? 1 : more;
                memcpy(plain + at, i == 0 ? "\n" : i == 6 ? "A" : inserted[i], n);
                assert_int_equal(out.len, len + n);
                assert_memory_equal(out.ptr, plain, len + n);
            }
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(long_texts),      cmocka_unit_test(takes_what_is_named),
    cmocka_unit_test(names_are_whole), cmocka_unit_test(refuses_by_name),
    cmocka_unit_test(counts_members),  cmocka_unit_test(refuses_what_is_too_deep),
    cmocka_unit_test(unescapes),
};
RUN_TESTS(tests)
