// SPDX-License-Identifier: Apache-2.0
// Stored records: what is written comes back, the bytes stay as they are (a later contract reads them), and a record
// that is too short stops the call instead of giving other bytes.
#include "base/test.h"
#include "sdk/mock/mock.h"

static void (*body)(void);
METHOD(CALL, run) { body(); }

static void runs(void (*f)(void)) {
    body = f;
    if (!mock_call("run", "alice.near", 0, ""))
        fail_msg("%s", mock.error);
}

static void stops(void (*f)(void), const char *sentence) {
    char want[128];
    body = f;
    assert_false(mock_call("run", "alice.near", 0, ""));
    snprintf(want, sizeof want, "Smart contract panicked: %s", sentence);
    assert_string_equal(mock.error, want);
}

static uint8_t record[128];
static struct rec_out out;
static struct hash hash;

static void write_all(void) {
    struct account alice = account_of(TEXT("al.near"));
    for (size_t i = 0; i < HASH_SIZE; i++)
        hash.b[i] = (uint8_t)i;
    out = REC_OUT(record);
    rec_put_u8(&out, 1);
    rec_put_u32(&out, 0x01020304);
    rec_put_u64(&out, 0x1112131415161718);
    rec_put_yocto(&out, (struct yocto){(u128)0x2122232425262728 << 64 | 0x3132333435363738});
    rec_put_text(&out, TEXT("hi"));
    rec_put_text(&out, (struct text){0});
    rec_put_account(&out, &alice);
    rec_put_hash(&out, &hash);
}

// The layout is borsh: little endian, a text with its 32-bit length.
static void layout_is_exact(void **state) {
    (void)state;
    static const uint8_t want[] = {1,    4,    3,    2,    1,    0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
                                   0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31, 0x28, 0x27, 0x26, 0x25, 0x24,
                                   0x23, 0x22, 0x21, 2,    0,    0,    0,    'h',  'i',  0,    0,    0,    0,
                                   7,    0,    0,    0,    'a',  'l',  '.',  'n',  'e',  'a',  'r',  0,    1};
    runs(write_all);
    assert_int_equal(out.len, sizeof want + 30);
    assert_memory_equal(record, want, sizeof want);
}

static size_t length; // of the record that read_all is given

static void read_all(void) {
    struct rec_in r = {record, record + length};
    rec_take_version(&r, 1);
    assert_int_equal(rec_take_u32(&r), 0x01020304);
    assert_true(rec_take_u64(&r) == 0x1112131415161718);
    assert_true(rec_take_yocto(&r).v == ((u128)0x2122232425262728 << 64 | 0x3132333435363738));
    assert_true(text_eq(rec_take_text(&r), TEXT("hi")));
    assert_null(rec_take_text_or_null(&r).ptr);
    struct account a = rec_take_account(&r);
    assert_true(text_eq(account_text(&a), TEXT("al.near")));
    struct hash h = rec_take_hash(&r);
    assert_true(hash_eq(&h, &hash));
    assert_ptr_equal(r.p, r.end);
}

static void records_come_back(void **state) {
    (void)state;
    runs(write_all);
    size_t whole = length = out.len;
    runs(read_all);
    for (length = 0; length < whole; length++)
        stops(read_all, "A stored record is damaged");
    length = whole;
    record[0] = 2;
    stops(read_all, "A stored record is of another version of this contract");
}

static void read_account(void) {
    struct rec_in r = {record, record + sizeof record};
    rec_take_account(&r);
}

static void read_text(void) {
    struct rec_in r = {record, record + sizeof record};
    rec_take_text(&r);
}

// Lengths inside a record are as foreign as the record.
static void lengths_are_checked(void **state) {
    (void)state;
    memset(record, 'a', sizeof record);
    memcpy(record, &(uint32_t){ACCOUNT_MAX + 1}, 4);
    stops(read_account, "A stored record is damaged");
    memcpy(record, &(uint32_t){sizeof record - 4}, 4);
    runs(read_text);
    memcpy(record, &(uint32_t){sizeof record - 3}, 4);
    stops(read_text, "A stored record is damaged");
    memcpy(record, &(uint32_t){UINT32_MAX}, 4);
    stops(read_text, "A stored record is damaged");
}

static void fill(void) {
    uint8_t small[12];
    struct rec_out r = REC_OUT(small);
    rec_put_u64(&r, 1);
    rec_put_u32(&r, 1);
    assert_int_equal(r.len, sizeof small);
    rec_put_u8(&r, 1);
}

static void records_do_not_overflow(void **state) {
    (void)state;
    stops(fill, "Longer than this contract can take");
}

static void use_store(void) {
    char got[8];
    size_t len = 0;
    struct key key = key_of('k', 0x0102030405060708);
    assert_memory_equal(key.b, "k\x08\x07\x06\x05\x04\x03\x02\x01", 9);
    uint64_t before = store_usage();
    assert_false(store_has(KEY_TEXT(key)) || store_remove(KEY_TEXT(key)) || store_get(KEY_TEXT(key), got, 8, &len));
    store_put(KEY_TEXT(key), TEXT("12345678"));
    assert_int_equal(store_usage() - before, 9 + 8 + 40);
    store_put(KEY_TEXT(key), TEXT("1234567"));
    assert_int_equal(store_usage() - before, 9 + 7 + 40);
    assert_true(store_has(KEY_TEXT(key)) && store_get(KEY_TEXT(key), got, sizeof got, &len));
    assert_int_equal(len, 7);
    assert_memory_equal(got, "1234567", 7);
    struct key other = key_of('k', 2);
    assert_false(store_has(KEY_TEXT(other)));
    assert_true(store_remove(KEY_TEXT(key)));
    assert_int_equal(store_usage(), before);
    store_put(KEY_TEXT(other), TEXT(""));
    assert_true(store_get(KEY_TEXT(other), got, sizeof got, &len));
    assert_int_equal(len, 0);
    assert_true(store_remove(KEY_TEXT(other)));
}

static void get_long(void) {
    char got[4];
    size_t len = 0;
    store_put(TEXT("a"), TEXT("12345"));
    store_get(TEXT("a"), got, sizeof got, &len);
}

static void store_keeps_what_it_is_given(void **state) {
    (void)state;
    runs(use_store);
    uint64_t usage = mock.usage;
    stops(get_long, "Longer than this contract can take");
    runs(use_store);
    assert_int_equal(mock.usage, usage); // the stopped call left nothing
}

static int world(void **state) {
    (void)state;
    mock_reset("sdk.near");
    return 0;
}

static int gone(void **state) {
    (void)state;
    mock_release();
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world, gone)
static const struct CMUnitTest tests[] = {
    TEST(layout_is_exact),
    TEST(records_come_back),
    TEST(lengths_are_checked),
    TEST(records_do_not_overflow),
    TEST(store_keeps_what_it_is_given),
};
RUN_TESTS(tests)
