// SPDX-License-Identifier: Apache-2.0
// Asks a language model, by the API that most of them serve (OpenAI's /chat/completions), and answers with its words.
//   input    the question, a text
//   output   the answer, a text
//   secrets  API_KEY; API_BASE and API_MODEL where it is another service or model than OpenAI's gpt-4o-mini
#include "http.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 65536
#define ANSWER_MAX (1 << 20)
#define TOKENS_MAX 400

static _Noreturn void stop(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static const char *setting(const char *name, const char *fallback) {
    const char *value = getenv(name);
    return value && *value ? value : fallback;
}

// A text as JSON has it, with its quotes; at most six bytes for each.
static char *put_string(char *to, const char *text) {
    *to++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            *to++ = '\\';
        if ((unsigned char)*text < 0x20)
            to += sprintf(to, "\\u%04x", *text);
        else
            *to++ = *text;
    }
    *to++ = '"';
    return to;
}

static char *put_utf8(char *to, uint32_t c) {
    if (c < 0x80)
        return *to = (char)c, to + 1;
    if (c < 0x800)
        *to++ = (char)(0xc0 | c >> 6);
    else if (c < 0x10000)
        *to++ = (char)(0xe0 | c >> 12), *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    else
        *to++ = (char)(0xf0 | c >> 18), *to++ = (char)(0x80 | (c >> 12 & 0x3f)), *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

static bool take_digits(const char *p, uint32_t *out) {
    return strspn(p, "0123456789abcdefABCDEF") >= 4 && sscanf(p, "%4" SCNx32, out) == 1;
}

// The four digits behind \u; NULL where they are not there. A lone half of a pair counts as a character that cannot be
// shown.
static const char *take_unicode(const char *p, uint32_t *c) {
    uint32_t high, low;
    *c = 0xfffd;
    if (!take_digits(p, &high))
        return NULL;
    p += 4;
    if (high < 0xd800 || high > 0xdfff)
        *c = high;
    else if (high < 0xdc00 && strncmp(p, "\\u", 2) == 0 && take_digits(p + 2, &low) && low >= 0xdc00 && low <= 0xdfff)
        *c = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), p += 6;
    return p;
}

// The string that begins at the quote p, without its escapes; NULL where it is none, or does not end.
static char *take_string(const char *p) {
    static const char escapes[] = "n\nt\tr\rb\bf\f";
    char *text = malloc(strlen(p) + 1), *to = text;
    for (p++; *p && *p != '"';) {
        uint32_t c = (unsigned char)*p;
        if (*p++ != '\\') {
            *to++ = (char)c;
            continue;
        }
        const char *known = *p ? strchr(escapes, *p) : NULL;
        if (*p == 'u') {
            if (!(p = take_unicode(p + 1, &c)))
                return NULL;
            to = put_utf8(to, c);
        } else if (*p)
            *to++ = known ? known[1] : *p, p++;
    }
    *to = 0;
    return *p ? text : NULL;
}

// {"choices":[{"message":{"content":"…"}}],…}: of such an answer the first content that is a text.
static char *words_of(const char *json) {
    const char *message = strstr(json, "\"message\""), *at = message ? strstr(message, "\"content\"") : NULL;
    if (!at)
        return NULL;
    at += strlen("\"content\"");
    at += strspn(at, " \t\r\n:");
    return *at == '"' ? take_string(at) : NULL;
}

int main(void) {
    static char input[INPUT_MAX + 1], url[1024];
    struct http_answer answer;
    if (fread(input, 1, sizeof input, stdin) > INPUT_MAX || !*input)
        stop(*input ? "the question is longer than 65,536 bytes" : "the input is empty: it takes a question");
    const char *key = setting("API_KEY", NULL), *base = setting("API_BASE", "https://api.openai.com/v1");
    if (!key)
        stop("the secret API_KEY is missing: store it with `outlayer secrets set`");
    if (snprintf(url, sizeof url, "%s/chat/completions", base) >= (int)sizeof url)
        stop("API_BASE is too long");
    const char *model = setting("API_MODEL", "gpt-4o-mini");
    char *json = malloc(6 * (strlen(input) + strlen(model)) + 200), *p = json;
    p = put_string(p + sprintf(p, "{\"model\":"), model);
    p += sprintf(p, ",\"max_tokens\":%d,\"messages\":[{\"role\":\"user\",\"content\":", TOKENS_MAX);
    strcpy(put_string(p, input), "}]}");
    if (!http_post_json(url, json, key, ANSWER_MAX, &answer))
        stop(answer.error);
    if (answer.status != 200) { // its body may repeat the key
        fprintf(stderr, "the service answered with status %d\n", answer.status);
        return 1;
    }
    char *words = words_of(answer.body);
    if (!words)
        stop("the service's answer has no words in it");
    fputs(words, stdout);
    return 0;
}
