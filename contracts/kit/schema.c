// SPDX-License-Identifier: Apache-2.0
#include "schema.h"
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_large_number(const json_t *v) {
    const char *s = json_string_value(v);
    return s && strlen(s) > 18 && strspn(s, "0123456789") == strlen(s);
}

static bool is_of(const char *type, const json_t *v) {
    if (strcmp(type, "integer") == 0)
        return json_is_integer(v) || is_large_number(v);
    return strcmp(type, "object") == 0    ? json_is_object(v)
           : strcmp(type, "array") == 0   ? json_is_array(v)
           : strcmp(type, "string") == 0  ? json_is_string(v)
           : strcmp(type, "boolean") == 0 ? json_is_boolean(v)
           : strcmp(type, "null") == 0    ? json_is_null(v)
                                          : false;
}

static bool type_fits(const json_t *type, const json_t *v) {
    size_t i;
    json_t *one;
    if (json_is_string(type))
        return is_of(json_string_value(type), v);
    json_array_foreach((json_t *)type, i, one)
        if (is_of(json_string_value(one), v))
            return true;
    return false;
}

static bool any_fits(const json_t *list, const json_t *v, const json_t *definitions) {
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one)
        if (schema_fits(one, v, definitions))
            return true;
    return false;
}

static bool is_one_of(const json_t *list, const json_t *v) {
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one)
        if (json_equal(one, v))
            return true;
    return false;
}

static bool matches(const char *pattern, const json_t *v) {
    regex_t re;
    if (!json_is_string(v))
        return true;
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool yes = regexec(&re, json_string_value(v), 0, NULL, 0) == 0;
    regfree(&re);
    return yes;
}

// Characters of a text, entries of a list, members of an object.
static bool size_fits(const json_t *bound, const json_t *v, bool least) {
    size_t n = json_is_string(v) ? json_string_length(v) : json_is_array(v) ? json_array_size(v) : json_object_size(v);
    size_t limit = (size_t)json_integer_value(bound);
    return least ? n >= limit : n <= limit;
}

static bool members_fit(const json_t *schema, const json_t *v, const json_t *definitions) {
    const json_t *properties = json_object_get(schema, "properties");
    bool open = !json_is_false(json_object_get(schema, "additionalProperties"));
    const char *key;
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(schema, "required"), i, one)
        if (!json_object_get(v, json_string_value(one)))
            return false;
    json_object_foreach((json_t *)v, key, one) {
        const json_t *of = json_object_get(properties, key);
        if (of ? !schema_fits(of, one, definitions) : !open)
            return false;
    }
    return true;
}

static bool entries_fit(const json_t *items, const json_t *v, const json_t *definitions) {
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)v, i, one)
        if (!schema_fits(items, one, definitions))
            return false;
    return true;
}

static bool rule_fits(const char *rule, const json_t *is, const json_t *v, const json_t *definitions) {
    static const char ref[] = "#/definitions/";
    if (strcmp(rule, "$ref") == 0) {
        const json_t *to = json_object_get(definitions, json_string_value(is) + sizeof ref - 1);
        return to && schema_fits(to, v, definitions);
    }
    if (strcmp(rule, "type") == 0)
        return type_fits(is, v);
    if (strcmp(rule, "anyOf") == 0)
        return any_fits(is, v, definitions);
    if (strcmp(rule, "enum") == 0)
        return is_one_of(is, v);
    if (strcmp(rule, "const") == 0)
        return json_equal(is, v);
    if (strcmp(rule, "pattern") == 0)
        return matches(json_string_value(is), v);
    if (strcmp(rule, "items") == 0)
        return entries_fit(is, v, definitions);
    if (strcmp(rule, "minimum") == 0)
        return !json_is_integer(v) || json_integer_value(v) >= json_integer_value(is);
    if (strcmp(rule, "maximum") == 0)
        return !json_is_integer(v) || json_integer_value(v) <= json_integer_value(is);
    if (strncmp(rule, "min", 3) == 0 || strncmp(rule, "max", 3) == 0)
        return size_fits(is, v, rule[1] == 'i');
    if (strcmp(rule, "format") == 0 || strcmp(rule, "properties") == 0 || strcmp(rule, "required") == 0 ||
        strcmp(rule, "additionalProperties") == 0)
        return true;
    fprintf(stderr, "schema: no such rule: %s\n", rule);
    abort();
}

bool schema_fits(const json_t *schema, const json_t *v, const json_t *definitions) {
    const char *rule;
    json_t *is;
    json_object_foreach((json_t *)schema, rule, is)
        if (!rule_fits(rule, is, v, definitions))
            return false;
    return !json_is_object(v) || members_fit(schema, v, definitions);
}
