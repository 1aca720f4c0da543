// SPDX-License-Identifier: Apache-2.0
#include "check.h"

json_t *parsed(const char *text) {
    char *copy = malloc(2 * strlen(text) + 1), *out = copy;
    assert_non_null(copy);
    bool inside = false;
    for (const char *p = text; *p;) {
        size_t digits = inside ? 0 : strspn(p, "0123456789"), n = digits ? digits : p[0] == '\\' && p[1] ? 2 : 1;
        bool large = digits > 19 || (digits == 19 && strncmp(p, "9223372036854775807", 19) > 0);
        inside ^= *p == '"';
        if (large)
            *out++ = '"';
        memcpy(out, p, n);
        out += n;
        if (large)
            *out++ = '"';
        p += n;
    }
    *out = 0;
    json_t *j = json_loads(copy, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    free(copy);
    return j;
}

json_t *event(const char *name) {
    json_t *found = NULL;
    for (size_t i = 0; i < mock.log_count; i++) {
        if (strncmp(mock.logs[i], "EVENT_JSON:", 11) != 0)
            continue;
        json_t *e = parsed(mock.logs[i] + 11);
        if (!e)
            fail_msg("an event is not JSON: %s", mock.logs[i]);
        assert_string_equal(json_string_value(json_object_get(e, "standard")), "near-outlayer");
        assert_string_equal(json_string_value(json_object_get(e, "version")), "1.0.0");
        json_t *data = json_object_get(e, "data");
        assert_int_equal(json_array_size(data), 1);
        if (strcmp(json_string_value(json_object_get(e, "event")), name) == 0) {
            assert_null(found);
            found = json_incref(json_array_get(data, 0));
        }
        json_decref(e);
    }
    if (!found)
        fail_msg("no event %s", name);
    return found;
}

void event_is(const char *name, const char *member, const char *json) {
    json_t *data = event(name), *value = json_object_get(data, member);
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (!text || strcmp(text, json) != 0)
        fail_msg("%s of %s is %s, not %s", member, name, text ? text : "not there", json);
    free(text);
    json_decref(data);
}

const char *amount_text(u128 amount) {
    static char texts[8][YOCTO_DIGITS + 1];
    static unsigned next;
    char *out = texts[next++ % 8], digits[YOCTO_DIGITS];
    struct text t = yocto_text(YOCTO(amount), digits);
    snprintf(out, YOCTO_DIGITS + 1, "%.*s", (int)t.len, t.ptr);
    return out;
}

void pays(const char *to, u128 amount) {
    assert_int_equal(mock.receipt_count, 1);
    assert_int_equal(mock.receipts[0].kind, RECEIPT_TRANSFER);
    assert_string_equal(mock.receipts[0].to, to);
    assert_string_equal(amount_text(mock.receipts[0].amount), amount_text(amount));
}

void pays_nothing(void) { assert_int_equal(mock.receipt_count, 0); }
