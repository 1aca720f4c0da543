// SPDX-License-Identifier: Apache-2.0
// Collateral objects: read as they are exchanged, written so that everybody reads them again, replaced part by part.
#include "base/test.h"

#include "base/file.h"
#include "collateral/object.h"
#include <sys/stat.h>

#define VECTORS "tests/vectors/dcap/"

static void read_and_written(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct collateral c, again;
    struct slice text, written;
    const char *path = VECTORS "near_tdx_v4_20a06f_nov25.collateral.json";
    assert_ok(file_read(a, path, COLLATERAL_FILE_MAX, &text, &e), &e);
    assert_ok(collateral_load(&c, a, path, &e), &e);
    for (int p = 0; p < COLLATERAL_PARTS; p++)
        assert_true(collateral_has(&c, (enum collateral_part)p));
    assert_int_equal(c.root_ca_crl.ptr[0], 0x30);
    assert_int_equal(c.tcb_info_signature.len, 64);

    char folder[] = "/tmp/outlayer-object-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *file = arena_printf(a, "%s/c.json", folder);
    assert_ok(collateral_save(&c, a, file, &e), &e);
    assert_ok(collateral_load(&again, a, file, &e), &e);
    SCOPED_JSON(one) = json_parse(text, COLLATERAL_FILE_MAX, &e);
    assert_ok(file_read(a, file, COLLATERAL_FILE_MAX, &written, &e), &e);
    SCOPED_JSON(two) = json_parse(written, COLLATERAL_FILE_MAX, &e);
    assert_true(json_equal(one, two)); // the nine members, each with the same text
    assert_int_equal(json_object_size(two), 9);
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_ok(file_remove_tree(folder, &e), &e);
}

static void parts(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct collateral old, new, mixed;
    assert_ok(collateral_load(&old, a, VECTORS "near_tdx_v4_20a06f_sep25.collateral.json", &e), &e);
    assert_ok(collateral_load(&new, a, VECTORS "near_tdx_v4_20a06f_nov25.collateral.json", &e), &e);
    mixed = old;
    collateral_take(&mixed, &new, COLLATERAL_TCB_INFO);
    assert_true(slice_eq(mixed.tcb_info, new.tcb_info) && slice_eq(mixed.tcb_info_signature, new.tcb_info_signature));
    assert_true(slice_eq(mixed.qe_identity, old.qe_identity));
    collateral_drop(&mixed, COLLATERAL_PCK_CRL);
    assert_false(collateral_has(&mixed, COLLATERAL_PCK_CRL));
    assert_true(collateral_has(&mixed, COLLATERAL_ROOT_CRL));
    SCOPED_JSON(j) = collateral_json(&mixed, a);
    assert_int_equal(json_object_size(j), 7);
    SCOPED_JSON(part) = collateral_part_json(&old, COLLATERAL_QE_IDENTITY, a);
    assert_int_equal(json_object_size(part), 3);
    assert_non_null(json_object_get(part, collateral_part_name(COLLATERAL_QE_IDENTITY)));
}

static void what_is_no_collateral(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct collateral c;
    static const struct {
        const char *json, *says;
    } bad[] = {
        {"[]", "must be a JSON object"},
        {"<html>", "not valid JSON"},
        {"{\"tcb_info\":{}}", "'tcb_info' must be a text"},
        {"{\"root_ca_crl\":\"xx\"}", "member 'root_ca_crl'"},
        {"{\"tcb_info_signature\":\"00\"}", "a signature of 1 bytes"},
        {"{\"tcb_info\":\"a\",\"tcb_info\":\"b\"}", "duplicate"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_err(collateral_read(&c, a, slice_str(bad[i].json), &e), &e, ERR_INVALID, bad[i].says);
    assert_ok(collateral_read(&c, a, SLICE_LIT("{\"tcb_info\":null,\"other\":7}"), &e), &e);
    assert_false(collateral_has(&c, COLLATERAL_TCB_INFO));
    assert_err(collateral_load(&c, a, "/nowhere/at/all", &e), &e, ERR_NOT_FOUND, "/nowhere/at/all");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(read_and_written),
    cmocka_unit_test(parts),
    cmocka_unit_test(what_is_no_collateral),
};
RUN_TESTS(tests)
