// SPDX-License-Identifier: Apache-2.0
// Which names of repositories and refs there are: the rules that contract and host programs share. Plain C that needs
// no library, so that both compile it. What people write becomes such a name in repo/repo.h and repo/ref.h. All
// spellings: docs/repositories.md.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __wasm__
int memcmp(const void *a, const void *b, size_t n);
#else
#include <string.h>
#endif

#define REPO_MAX 256 // bytes of a repository, as it is written and as it is named
#define REF_MAX 255  // bytes of a branch, tag or commit

static inline bool rule_one_of(char c, const char *set) {
    while (*set && *set != c)
        set++;
    return *set != 0;
}

// The end of the longest run from p on of a character of `first` and then any number of `more`; p where there is none.
static inline const char *rule_run(const char *p, const char *end, const char *first, const char *more) {
    for (const char *set = first; p < end && rule_one_of(*p, set); p++)
        set = more;
    return p;
}

// Sets of characters, each the end of the one before it.
static const char rule_sets[] = "@:/+.~_ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefghijklmnopqrstuvwxyz0123456789";
#define RULE_ADDRESS rule_sets    // of a repository as it is written
#define RULE_PART (rule_sets + 3) // of a part of a path; behind the first two, what it may begin with, and a hyphen
#define RULE_WORD (rule_sets + 6)
#define RULE_LABEL (rule_sets + 33) // of a host's name, a hyphen first
#define RULE_DIGIT (rule_sets + 60)

// host/owner/name, and more parts on hosts that have groups within groups: the one name of a repository, under which
// its secrets are stored.
//   host    two or more labels of small letters, digits and inner hyphens; perhaps a port of up to five digits, not
//   that
//           of https, which goes without saying
//   a part  characters that need no escaping anywhere, none of which hides it or makes it an option
static inline bool repo_name_ok(const char *p, size_t len) {
    const char *end = p + len, *at;
    unsigned dots = 0, parts = 0;
    if (len > REPO_MAX)
        return false;
    for (;; dots++, p++) {
        p = rule_run(at = p, end, RULE_LABEL + 1, RULE_LABEL);
        if (p == at || p == end || p[-1] == '-')
            return false;
        if (*p != '.')
            break;
    }
    if (*p == ':') {
        p = rule_run(at = p + 1, end, RULE_DIGIT + 1, RULE_DIGIT);
        if (p == at || p - at > 5 || (p - at == 3 && memcmp(at, "443", 3) == 0))
            return false;
    }
    for (; p < end; parts++) {
        at = p + 1;
        if (*p != '/' || (p = rule_run(at, end, RULE_PART + 2, RULE_PART)) == at || *at == '-')
            return false;
    }
    return dots && parts > 1 && memcmp(end - 4, ".git", 4) != 0 && (parts == 2 || memcmp(end - len, "github.com/", 11));
}

// git's own format of a ref (git-check-ref-format) below refs/heads/ or refs/tags/, without what could be an option. It
// must be UTF-8 besides.
static inline bool ref_name_ok(const char *p, size_t len) {
    uint64_t last = '/'; // bytes
    if (len > REF_MAX)
        return false;
    for (size_t i = 0; i <= len; i++) {
        uint8_t c = i < len ? (uint8_t)p[i] : '/'; // the end ends a part, too
        last = last << 8 | c;
        uint16_t two = (uint16_t)last;
        if (c <= ' ' || rule_one_of((char)c, "\177~^:?*[\\") || two == ('/' << 8 | '/') || two == ('/' << 8 | '.') ||
            two == ('.' << 8 | '.') || two == ('@' << 8 | '{') || (last & 0xffffffffffff) == 0x2e6c6f636b2f) // .lock/
            return false;
    }
    return *p != '-' && p[len - 1] != '.';
}
