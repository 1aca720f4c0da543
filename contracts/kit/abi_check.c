// SPDX-License-Identifier: Apache-2.0
#include "abi_check.h"
#include "abi/abi.h"
#include "kit/schema.h"

json_t *abi_new(void) {
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    assert_non_null(f);
    abi_json(f);
    assert_int_equal(fclose(f), 0);
    json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(j);
    free(text);
    return j;
}

static const json_t *definitions_of(const json_t *abi) {
    return json_object_get(json_object_get(json_object_get(abi, "body"), "root_schema"), "definitions");
}

static const json_t *function_of(const json_t *abi, const char *name) {
    size_t i;
    json_t *function;
    json_array_foreach(json_object_get(json_object_get(abi, "body"), "functions"), i, function) {
        if (strcmp(json_string_value(json_object_get(function, "name")), name) == 0)
            return function;
    }
    fail_msg("no method %s", name);
    return NULL;
}

static const json_t *schema_in(const json_t *holder) { return json_object_get(holder, "type_schema"); }

bool arguments_fit(const json_t *abi, const char *method, const json_t *args) {
    size_t i, known = 0;
    json_t *param;
    json_array_foreach(json_object_get(json_object_get(function_of(abi, method), "params"), "args"), i, param) {
        const json_t *given = json_object_get(args, json_string_value(json_object_get(param, "name")));
        if (!schema_fits(schema_in(param), given ? given : json_null(), definitions_of(abi)))
            return false;
        known += given != NULL;
    }
    return known == json_object_size(args);
}

bool answer_fits(const json_t *abi, const char *method) {
    const json_t *result = json_object_get(function_of(abi, method), "result");
    if (!result)
        return mock.value == NULL;
    json_t *value = mock.value ? parsed(mock.value) : NULL;
    bool fits = value && schema_fits(schema_in(result), value, definitions_of(abi));
    json_decref(value);
    return fits;
}
