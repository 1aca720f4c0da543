// SPDX-License-Identifier: Apache-2.0
// Asks an API for a price and answers with one number.
//   input   {"url":"https://api.example/price?of=near","path":"near.usd"}
//   output  4.56
#include "http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 4096
#define ANSWER_MAX (1 << 20)

static void stop(const char *why, const char *what) {
    fprintf(stderr, "%s%s%s\n", why, *what ? ": " : "", what);
    exit(1);
}

// --- JSON, as much as it takes to follow a path: a position in a text, always at the next thing that is no blank

static const char *blank(const char *p) { return p + strspn(p, " \t\r\n"); }

// Behind a string; NULL when it does not end.
static const char *skip_string(const char *p) {
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && !*++p)
            return NULL;
    return *p ? blank(p + 1) : NULL;
}

// Behind a value of any kind; NULL when it is broken.
static const char *skip_value(const char *p) {
    int depth = 0;
    do {
        if (*p == '"') {
            if (!(p = skip_string(p)))
                return NULL;
        } else if (*p == '{' || *p == '[') {
            depth++, p = blank(p + 1);
        } else if (*p == '}' || *p == ']') {
            depth--, p = blank(p + 1);
        } else if (*p) {
            size_t n = strcspn(p, "{}[],:\" \t\r\n");
            p = blank(p + (n ? n : 1));
        }
    } while (depth > 0 && *p);
    return depth == 0 ? p : NULL;
}

// The value of a member of the object at p; NULL when it is none, or has no such member.
static const char *member(const char *p, const char *name, size_t len) {
    if (*p != '{')
        return NULL;
    for (p = blank(p + 1); p && *p == '"';) {
        bool found = strncmp(p + 1, name, len) == 0 && p[len + 1] == '"';
        if (!(p = skip_string(p)) || *p != ':')
            return NULL;
        p = blank(p + 1);
        if (found)
            return p;
        p = skip_value(p);
        if (p && *p == ',')
            p = blank(p + 1);
    }
    return NULL;
}

// "near.usd": the member `usd` of the member `near`.
static const char *follow(const char *p, const char *path) {
    for (size_t n; p && *path; path += n + (path[n] == '.')) {
        n = strcspn(path, ".");
        p = member(p, path, n);
    }
    return p;
}

// A string without escapes, or exit with a sentence.
static char *text_of(const char *json, const char *name) {
    const char *p = member(json, name, strlen(name));
    size_t n = p && *p == '"' ? strcspn(p + 1, "\"\\") : 0;
    if (!p || *p != '"' || p[n + 1] != '"')
        stop("the input has no text of this name", name);
    char *copy = malloc(n + 1);
    memcpy(copy, p + 1, n);
    copy[n] = 0;
    return copy;
}

int main(void) {
    static char input[INPUT_MAX + 1];
    struct http_answer answer;
    if (fread(input, 1, sizeof input, stdin) > INPUT_MAX)
        stop("the input is too long", "");
    const char *json = blank(input);
    char *url = text_of(json, "url"), *path = text_of(json, "path");
    if (!http_get(url, ANSWER_MAX, &answer))
        stop(url, answer.error);
    if (answer.status != 200) {
        fprintf(stderr, "%s: status %d\n", url, answer.status);
        return 1;
    }
    const char *value = follow(blank(answer.body), path);
    if (value && *value == '"')
        value++; // some write their numbers as texts
    size_t n = value ? strspn(value, "+-.0123456789eE") : 0;
    if (!n || !isdigit((unsigned char)value[*value == '-']))
        stop("the answer has no number there", path);
    printf("%.*s", (int)n, value);
    return 0;
}
