// SPDX-License-Identifier: Apache-2.0
// Statistics of a list of whole numbers: {"numbers":[3,1,2]} on standard input gives, on standard output,
//   {"count":3,"sum":6,"min":1,"max":3,"fnv1a":"…"}
// where fnv1a is the 64-bit FNV-1a hash of the input's bytes, 16 hexadecimal digits. The same input gives the same
// bytes, always and everywhere, so anybody can check an answer.
#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1 << 20)

static _Noreturn void refuse(const char *why) {
    fprintf(stderr, "%s; expected {\"numbers\":[3,1,2]} with at least one whole number, each within 2^53\n", why);
    exit(1);
}

// The text that is left to read.
static const char *at;

static void skip_space(void) { at += strspn(at, " \t\r\n"); }

static bool take(const char *text) {
    size_t n = strlen(text);
    skip_space();
    if (strncmp(at, text, n) != 0)
        return false;
    at += n;
    return true;
}

static int64_t take_number(void) {
    skip_space();
    const char *digits = at + (*at == '-');
    char *end;
    if (!isdigit((unsigned char)*digits) || (digits[0] == '0' && isdigit((unsigned char)digits[1])))
        refuse("the list holds something that is not a number");
    long long n = strtoll(at, &end, 10);
    if (n > (1LL << 53) || n < -(1LL << 53) || !*end || !strchr(" \t\r\n,]", *end))
        refuse("the list holds a number that is not whole or too large");
    at = end;
    return n;
}

static uint64_t fnv1a(const char *p, size_t n) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)p[i]) * 0x100000001b3u;
    return h;
}

int main(void) {
    static char input[INPUT_MAX + 1];
    size_t n = fread(input, 1, sizeof input, stdin);
    if (n > INPUT_MAX)
        refuse("the input is longer than a mebibyte");
    at = input;
    // A mebibyte holds fewer than 2^20 numbers of at most 2^53: the sum fits.
    int64_t count = 0, sum = 0, min = INT64_MAX, max = INT64_MIN;
    if (!take("{") || !take("\"numbers\"") || !take(":") || !take("["))
        refuse("the input is not such an object");
    do {
        int64_t v = take_number();
        count++, sum += v;
        min = v < min ? v : min, max = v > max ? v : max;
    } while (take(","));
    if (!take("]") || !take("}") || (skip_space(), *at) || at != input + n)
        refuse("the input does not end with the object");
    printf("{\"count\":%" PRId64 ",\"sum\":%" PRId64 ",\"min\":%" PRId64 ",\"max\":%" PRId64 ",\"fnv1a\":\"%016" PRIx64
           "\"}",
           count, sum, min, max, fnv1a(input, n));
    return 0;
}
