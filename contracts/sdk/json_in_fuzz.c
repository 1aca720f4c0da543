// SPDX-License-Identifier: Apache-2.0
// Arguments of any bytes: they are read, or refused with words; reading stays inside of them; and what was read,
// written by json_out and read again, is the same. Canary: the seed `all` fills every member.
#include "sdk/mock/mock.h"
#include <stdio.h>
#include <stdlib.h>

struct inner {
    struct text s;
    uint32_t n;
};
struct args {
    struct inner inner;
    uint64_t u64;
    bool flag;
    struct text text;
    struct account account;
    struct maybe_yocto amount;
    struct maybe_hash hash;
    struct json_raw raw;
    uint8_t choice;
};
static const char *const names[] = {"Bytes", "Text", "Json"};
static const struct json_choices choices = {names, 3};
static const struct json_field inner_fields[] = {OPTIONAL(struct inner, s), REQUIRED(struct inner, n)};
static const struct json_shape inner_shape = JSON_SHAPE(inner_fields, OPEN);
static const struct json_field fields[] = {
    OPTIONAL_BY(struct args, inner, json_read_shape, &inner_shape),
    OPTIONAL(struct args, u64),
    OPTIONAL(struct args, flag),
    OPTIONAL(struct args, text),
    OPTIONAL(struct args, account),
    OPTIONAL(struct args, amount),
    OPTIONAL(struct args, hash),
    OPTIONAL(struct args, raw),
    OPTIONAL_BY(struct args, choice, json_read_choice, &choices),
};
static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);

static struct {
    char *bytes;
    size_t len;
    struct args args;
} doc;
METHOD(VIEW, read_document) {
    doc.args = (struct args){0};
    json_document(doc.bytes, doc.len, &doc.args, &shape);
}

static void must(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, mock.error);
    abort();
}

// The document has memory of its own size, so that a sanitizer sees a step beyond it.
static bool reads(const void *bytes, size_t len) {
    doc.bytes = malloc(len ? len : 1);
    must(doc.bytes, "out of memory");
    doc.len = len;
    if (len)
        memcpy(doc.bytes, bytes, len);
    return mock_view("read_document", "");
}

static void write_args(struct out *o, const struct args *a) {
    put_open(o, '{');
    member_open(o, "inner", '{');
    member_string(o, "s", a->inner.s);
    member_number(o, "n", a->inner.n);
    put_close(o, '}');
    member_number(o, "u64", a->u64);
    member_bool(o, "flag", a->flag);
    member_string(o, "text", a->text);
    if (a->account.len)
        member_string(o, "account", account_text(&a->account));
    if (a->amount.given)
        member_amount(o, "amount", a->amount.value);
    member_hex(o, "hash", a->hash.given ? &a->hash.value : NULL);
    put_key(o, "raw");
    put_value(o, a->raw.text.ptr ? a->raw.text : TEXT("null"));
    member_string(o, "choice", text_of(names[a->choice]));
    put_close(o, '}');
}

static bool same_text(struct text a, struct text b) { return !a.ptr == !b.ptr && text_eq(a, b); }

static bool same(const struct args *a, const struct args *b) {
    return same_text(a->inner.s, b->inner.s) && a->inner.n == b->inner.n && a->u64 == b->u64 && a->flag == b->flag &&
           same_text(a->text, b->text) && account_eq(&a->account, &b->account) && a->amount.given == b->amount.given &&
           a->amount.value.v == b->amount.value.v && a->hash.given == b->hash.given &&
           hash_eq(&a->hash.value, &b->hash.value) && same_text(a->raw.text, b->raw.text) && a->choice == b->choice;
}

static void read_again(size_t size) {
    struct args first = doc.args;
    char *bytes = doc.bytes, *again = malloc(6 * size + 512); // a byte takes at most six, and there are the names
    must(again, "out of memory");
    struct out o = out_into(again, 6 * size + 512);
    write_args(&o, &first);
    must(reads(o.buf, o.len), "what was written is not read");
    must(same(&first, &doc.args), "what was read again differs");
    free(doc.bytes);
    free(again);
    doc.bytes = bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char words[] = "Smart contract panicked: Failed to deserialize input from JSON. ";
    mock_reset("sdk.near");
    if (reads(data, size))
        read_again(size);
    else
        must(strncmp(mock.error, words, sizeof words - 1) == 0 && strlen(mock.error) > sizeof words,
             "refused without a sentence");
    free(doc.bytes);
    mock_release();
    return 0;
}
