// SPDX-License-Identifier: Apache-2.0
#include "tee/quote_verdict.h"

#include "base/buf.h"
#include "collateral/moment.h"
#include "dcap/policy.h"
#include "protocol/register.h"

#define WORDS_MAX 2048
#define DATE_FROM 100000000u // a detail of a fault that is a moment, in seconds since 1970; indices are smaller

static const struct {
    const char *name, *words;
    bool image;
} reasons[] = {
    {"IMAGE", "No approved image has these measurements.", true},
    {"IMAGE_NOT_ACTIVE", "The image is approved and not active yet: the owner's delay runs.", true},
    {"IMAGE_EXPIRED", "The image's approval has expired.", true},
    {"KEY_PROVIDER", "The machine has its keys from another provider than the image is approved with.", true},
    {"EVENT_LOG", "The event log does not end in RTMR3 with the events that it must show.", true},
    {"REPORT_DATA", "The quote was made for another key, contract, network or purpose, or its challenge is too old.",
     false},
    {"PLATFORM", "This platform is not among those that the policy names.", false},
    {"KEY_REMOVED", REFUSED_REMOVED ".", false},
    {"KEY_ROLE", "This key is registered in another role.", false},
    {"TEE", "The quote is not of Intel TDX.", false},
#define X(name, sentence) {#name, sentence, false},
    DCAP_REFUSALS(X)
#undef X
};

static const struct {
    const char *name;
    enum dcap_class class;
    const char *sentence;
} codes[] = {
#define X(name, class, sentence) {#name, DCAP_##class, sentence},
    DCAP_CODES(X)
#undef X
};

static const struct {
    const char *name, *words;
} parts[] = {
#define X(name, words) {#name, words},
    DCAP_PARTS(X)
#undef X
};

static const char *text_of(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static size_t find_reason(const json_t *entry) {
    const char *code = text_of(entry, "code");
    size_t i = 0;
    while (i < ARRAY_LEN(reasons) && strcmp(reasons[i].name, code) != 0)
        i++;
    return i;
}

const char *refusal_words(const json_t *entry, struct arena *a) {
    size_t i = find_reason(entry);
    return i < ARRAY_LEN(reasons) ? reasons[i].words : arena_strdup(a, text_of(entry, "code"));
}

bool refusal_of_image(const json_t *entry) {
    size_t i = find_reason(entry);
    return i < ARRAY_LEN(reasons) && reasons[i].image;
}

static bool is_refusal(const json_t *entry, const char *code) { return strcmp(text_of(entry, "code"), code) == 0; }

bool refusal_of_purpose(const json_t *entry) { return is_refusal(entry, "REPORT_DATA"); }
bool refusal_of_removed(const json_t *entry) { return is_refusal(entry, "KEY_REMOVED"); }
bool refusal_of_role(const json_t *entry) { return is_refusal(entry, "KEY_ROLE"); }

// "the root CA's revocation list is missing (PART_MISSING)"
static const char *error_words(const json_t *error, struct arena *a) {
    const char *code = text_of(error, "code"), *part = text_of(error, "part"), *sentence = "does not hold", *when = "";
    const json_int_t detail = json_integer_value(json_object_get(error, "detail"));
    char date[MOMENT_TEXT];
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(codes[i].name, code) == 0)
            sentence = codes[i].sentence;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strcmp(parts[i].name, part) == 0)
            part = parts[i].words;
    if (detail >= DATE_FROM)
        when = arena_printf(a, ", %s", moment_text((uint64_t)detail, date));
    return arena_printf(a, "%s %s (%s%s)", part, sentence, code, when);
}

static const char *words_of(const json_t *verdict, bool purpose, struct arena *a) {
    const json_t *error = json_object_get(verdict, "error"), *refused = json_object_get(verdict, "refused");
    SCOPED_BUF(all, WORDS_MAX);
    if (json_is_object(error))
        return error_words(error, a);
    size_t i, count = 0;
    json_t *entry;
    json_array_foreach(refused, i, entry)
        if (purpose || !refusal_of_purpose(entry))
            buf_printf(&all, "%s%s", count++ ? " " : "", refusal_words(entry, a));
    return count ? arena_strdup(a, buf_str(&all)) : NULL;
}

const char *verdict_refusal(const json_t *verdict, struct arena *a) { return words_of(verdict, true, a); }
const char *verdict_refusal_of_machine(const json_t *verdict, struct arena *a) { return words_of(verdict, false, a); }

bool verdict_of_removed(const json_t *verdict) {
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(verdict, "refused"), i, entry)
        if (refusal_of_removed(entry))
            return true;
    return false;
}

bool verdict_of_part(const json_t *verdict, const json_t *row) {
    const char *part = text_of(row, "part"), *id = text_of(row, "id");
    if (strcmp(part, "pck_crl") == 0)
        return strcmp(id, text_of(verdict, "ca")) == 0;
    if (strcmp(part, "tcb_info") == 0)
        return strcmp(id, text_of(verdict, "fmspc")) == 0;
    return true;
}

bool verdict_wants_collateral(const json_t *verdict) {
    const char *code = text_of(json_object_get(verdict, "error"), "code");
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(codes[i].name, code) == 0)
            return codes[i].class == DCAP_UNCHECKABLE;
    return false;
}
