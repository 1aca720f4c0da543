// SPDX-License-Identifier: Apache-2.0
// Views of text, UTF-8, account ids and hashes. A view owns nothing; its bytes live as long as the buffer they stand
// in.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __wasm__ // freestanding: text.c gives these
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
#else
#include <string.h>
#endif

struct text {
    const char *ptr; // NULL: there is none (JSON null)
    size_t len;
};
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})
struct text text_of(const char *s);
bool text_eq(struct text a, struct text b);
// The first `max` bytes or fewer: never a part of a character.
struct text text_cut(struct text t, size_t max);

// How many bytes from p on are ASCII that JSON strings carry as they are: no control characters, quotes, backslashes.
size_t text_plain(const char *p, const char *end);
// Bytes of the UTF-8 character at p (1 to 4), 0 if it is not one: no overlong forms, no surrogates, nothing past
// U+10FFFF.
size_t utf8_length(const char *p, const char *end);

#define ACCOUNT_MAX 64
struct account {
    uint8_t len;
    char s[ACCOUNT_MAX];
};
struct text account_text(const struct account *a);
bool account_eq(const struct account *a, const struct account *b);
// 2 to 64 of [a-z0-9] with single separators - _ . inside.
bool account_valid(struct text t);
struct account account_of(struct text valid);

#define HASH_SIZE 32
struct hash {
    uint8_t b[HASH_SIZE];
};
#define HASH_TEXT(h) ((struct text){(const char *)(h).b, HASH_SIZE})
bool hash_eq(const struct hash *a, const struct hash *b);
// In place: the bytes stand at the text's beginning afterwards. false: not RFC 4648 with padding, or spare bits set.
bool base64_decode(char *text, size_t len, struct text *bytes);
// Exactly 64 lower-case hexadecimal digits.
bool hash_parse(struct hash *out, struct text hex);
