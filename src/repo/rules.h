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

// Characters by how much may be made of them: each kind may stand wherever those before it may.
enum rule_kind {
    RULE_NONE,
    RULE_ADDRESS, // @ : /          in a repository as it is written
    RULE_PART,    // . +            in a part of a path
    RULE_FIRST,   // ~              at the beginning of one
    RULE_WORD,    // _ and capitals
    RULE_HYPHEN,  // -              in a label of a host; nowhere at the beginning
    RULE_SMALL,   // a to z         at the beginning of a label
    RULE_DIGIT,   // 0 to 9         in a port
};
static inline enum rule_kind rule_kind(char c) {
    if ((uint8_t)(c - '0') < 10)
        return RULE_DIGIT;
    if ((uint8_t)(c - 'a') < 26)
        return RULE_SMALL;
    if ((uint8_t)(c - 'A') < 26 || c == '_')
        return RULE_WORD;
    if (c == '-')
        return RULE_HYPHEN;
    if (c == '~')
        return RULE_FIRST;
    if (c == '.' || c == '+')
        return RULE_PART;
    return c == '@' || c == ':' || c == '/' ? RULE_ADDRESS : RULE_NONE;
}

// The end of the longest run that begins at p with a character of the kind `first` or a later one, and goes on with
// such of `more`; p where there is none, or where it would begin with a hyphen.
static inline const char *rule_run(const char *p, const char *end, enum rule_kind first, enum rule_kind more) {
    if (p < end && *p == '-')
        return p;
    for (enum rule_kind least = first; p < end && rule_kind(*p) >= least; p++)
        least = more;
    return p;
}

// host/owner/name, and more parts on hosts that have groups within groups: the one name of a repository, under which
// its secrets are stored.
//   host    two or more labels of small letters, digits and inner hyphens; perhaps a port, 1 to 65535, not that of
//           https, which goes without saying
//   a part  characters that need no escaping anywhere, none of which hides it or makes it an option
static inline bool repo_name_ok(const char *p, size_t len) {
    const char *end = p + len, *at;
    unsigned dots = 0, parts = 0;
    if (len > REPO_MAX)
        return false;
    for (;; dots++, p++) {
        p = rule_run(at = p, end, RULE_SMALL, RULE_HYPHEN);
        if (p == at || p == end || p[-1] == '-')
            return false;
        if (*p != '.')
            break;
    }
    if (*p == ':') {
        uint32_t port = 0, digit;
        for (p++; p < end && (digit = (uint8_t)(*p - '0')) < 10; p++)
            if (!(port = port * 10 + digit) || port > UINT16_MAX)
                return false;
        if (!port || port == 443)
            return false;
    }
    for (; p < end; parts++) {
        at = p + 1;
        if (*p != '/' || (p = rule_run(at, end, RULE_FIRST, RULE_PART)) == at)
            return false;
    }
    return dots && parts > 1 && memcmp(end - 4, ".git", 4) != 0 &&
           (parts == 2 || len < 11 || memcmp(end - len, "github.com/", 11) != 0);
}

// What could be the name of a branch, a tag or a commit: bytes that are neither blanks nor control characters, and no
// option. It must be UTF-8 besides; which of these git takes, repo/ref.h says.
static inline bool ref_text_ok(const char *p, size_t len) {
    bool good = len - 1 < REF_MAX && *p != '-';
    for (; good && len; p++, len--)
        good = (uint8_t)*p > ' ' && *p != 127;
    return good;
}
