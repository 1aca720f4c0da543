// SPDX-License-Identifier: Apache-2.0
// A random number between two bounds: {"min":1,"max":100} on standard input, {"random_number":42} on standard output.
// Anything that is not understood is told on standard error, and the exit status is 1: the caller sees both.
#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void refuse(const char *why) {
    fprintf(stderr, "%s; expected {\"min\":1,\"max\":100} with min <= max, whole numbers below 2^53\n", why);
    exit(1);
}

// The text that is left to read.
static const char *at;

static void skip_space(void) { at += strspn(at, " \t\r\n"); }

static bool take(char c) {
    skip_space();
    if (*at != c)
        return false;
    at++;
    return true;
}

static int64_t take_number(void) {
    skip_space();
    char *end;
    if (*at != '-' && !isdigit((unsigned char)*at))
        refuse("a bound is not a number");
    long long n = strtoll(at, &end, 10);
    if (end == at || n > (1LL << 53) || n < -(1LL << 53) || (*end && !strchr(" \t\r\n,}", *end)))
        refuse("a bound is not a whole number in range");
    at = end;
    return n;
}

static void take_bounds(int64_t *min, int64_t *max) {
    bool have_min = false, have_max = false;
    if (!take('{'))
        refuse("the input is not a JSON object");
    do {
        skip_space();
        bool is_min = strncmp(at, "\"min\"", 5) == 0;
        if (!is_min && strncmp(at, "\"max\"", 5) != 0)
            refuse("the input has something else than min and max");
        at += 5;
        if (!take(':'))
            refuse("a name has no value");
        *(is_min ? min : max) = take_number();
        *(is_min ? &have_min : &have_max) = true;
    } while (take(','));
    if (!take('}') || (skip_space(), *at))
        refuse("the input does not end with the object");
    if (!have_min || !have_max || *min > *max)
        refuse("min and max are not both there and in order");
}

static uint64_t random_u64(void) {
    uint64_t r;
    if (getentropy(&r, sizeof r) != 0)
        refuse("no random bytes");
    return r;
}

int main(void) {
    static char input[4096];
    int64_t min = 0, max = 0;
    size_t n = fread(input, 1, sizeof input - 1, stdin);
    if (n == sizeof input - 1)
        refuse("the input is too long");
    at = input;
    take_bounds(&min, &max);
    // Of the 2^64 values the last, incomplete run through the range is thrown away: each number is equally likely.
    uint64_t range = (uint64_t)(max - min) + 1, limit = UINT64_MAX - UINT64_MAX % range, r;
    do
        r = random_u64();
    while (r >= limit);
    printf("{\"random_number\":%" PRId64 "}", min + (int64_t)(r % range));
    return 0;
}
