// SPDX-License-Identifier: Apache-2.0
// The table of methods: what it says of the contract to others is what the contract does, and the page is current.
#include "abi/abi.h"
#include "kit/kit.h"

static json_t *abi(void) {
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    assert_non_null(f);
    abi_json(f);
    assert_int_equal(fclose(f), 0);
    json_error_t e;
    json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &e);
    if (!j)
        fail_msg("the ABI is not JSON: %s at %d", e.text, e.position);
    free(text);
    return j;
}

static bool has_modifier(json_t *function, const char *name) {
    const char *first = json_string_value(json_array_get(json_object_get(function, "modifiers"), 0));
    return first && strcmp(first, name) == 0;
}

// Clients are generated from this: a kind that is wrong makes them send money that is refused, or none where it is due.
static void abi_says_what_methods_do(void **state) {
    (void)state;
    json_t *j = abi(), *function;
    size_t i;
    assert_string_equal(json_string_value(json_object_get(j, "schema_version")), "0.4.0");
    json_array_foreach(json_object_get(json_object_get(j, "body"), "functions"), i, function) {
        const char *name = json_string_value(json_object_get(function, "name"));
        bool view = strcmp(json_string_value(json_object_get(function, "kind")), "view") == 0;
        mock_view(name, "{\"no such argument\":1}");
        assert_string_not_equal(mock.error, "MethodNotFound");
        if (json_object_get(function, "params"))
            assert_non_null(strstr(mock.error, view ? "unknown field" : ""));
        mock_call(name, ALICE, 1, "{}");
        bool takes = !strstr(mock.error, "accept deposit") && !strstr(mock.error, "is private");
        if (takes != (view || has_modifier(function, "payable")))
            fail_msg("%s: %s", name, mock.error);
        assert_true((strstr(mock.error, "is private") != NULL) == has_modifier(function, "private"));
    }
    assert_int_equal(i, 50);
    json_decref(j);
}

// Each required argument that is left out is named in the refusal.
static void required_arguments_are_required(void **state) {
    (void)state;
    json_t *j = abi(), *function;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(j, "body"), "functions"), i, function) {
        json_t *first = json_array_get(json_object_get(json_object_get(function, "params"), "args"), 0);
        bool optional = !first || json_object_get(json_object_get(first, "type_schema"), "anyOf");
        if (optional || has_modifier(function, "private"))
            continue;
        char want[128];
        snprintf(want, sizeof want, "missing field \"%s\"", json_string_value(json_object_get(first, "name")));
        mock_call(json_string_value(json_object_get(function, "name")), OWNER, 0, "{}");
        if (!strstr(mock.error, want))
            fail_msg("%s, not %s", mock.error, want);
    }
    json_decref(j);
}

// docs/contract.md must say what the contract has: `make contract-docs` brings it up to date.
static void page_is_current(void **state) {
    (void)state;
    static char page[1 << 20];
    char *want = NULL;
    size_t len = 0;
    FILE *f = fopen("docs/contract.md", "r");
    if (!f)
        fail_msg("docs/contract.md cannot be read; tests run in the repository's root");
    page[fread(page, 1, sizeof page - 1, f)] = 0;
    fclose(f);
    f = open_memstream(&want, &len);
    assert_non_null(f);
    abi_tables(f);
    assert_int_equal(fclose(f), 0);
    const char *from = strstr(page, "<!-- methods -->\n");
    assert_non_null(from);
    from += sizeof "<!-- methods -->";
    if (strncmp(from, want, len) != 0 || strncmp(from + len, "<!-- end -->", 12) != 0)
        fail_msg("the tables in docs/contract.md are not those of methods.h: make contract-docs");
    free(want);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(abi_says_what_methods_do),
        TEST(required_arguments_are_required),
        TEST(page_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
