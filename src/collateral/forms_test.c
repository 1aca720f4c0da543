// SPDX-License-Identifier: Apache-2.0
// What a person or a server hands over in one form or another comes out as the same bytes, or is named for what it is.
#include "base/test.h"

#include "base/file.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "collateral/forms.h"

#define VECTORS "tests/vectors/dcap/"

static struct slice vector(struct arena *a, const char *name) {
    struct slice out;
    struct err e;
    assert_ok(file_read(a, arena_printf(a, VECTORS "%s", name), QUOTE_FILE_MAX, &out, &e), &e);
    return out;
}

// Hexadecimal as `xxd -p` prints it.
static struct slice in_lines(struct arena *a, const char *text) {
    char *out = arena_alloc(a, 2 * strlen(text) + 1), *to = out;
    for (size_t i = 0; text[i]; i++) {
        *to++ = text[i];
        if (i % 60 == 59)
            *to++ = '\n';
    }
    return slice_of(out, (size_t)(to - out));
}

static void quotes(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct slice raw = vector(a, "qvl_tdx_v4_b0c06f.quote.bin"), got;
    const char *hex = hex_text(a, raw), *b64 = base64_text(a, raw);
    const struct slice forms[] = {
        raw,
        slice_str(hex),
        slice_str(arena_printf(a, "  0x%s\n", hex)),
        in_lines(a, hex),
        slice_str(b64),
        in_lines(a, b64),
        slice_str(arena_printf(a, "{\"quote\":\"%s\",\"event_log\":\"[]\"}", hex)),
        slice_str(arena_printf(a, "\n{\"tdx_quote\":\"%s\"}", b64)),
        slice_str(arena_printf(a, "{\"public_key\":\"x\",\"tdx_quote_hex\":\"%s\"}", hex)),
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        assert_ok(quote_read(&got, a, forms[i], &e), &e);
        assert_true(slice_eq(got, raw));
    }
    assert_ok(quote_read(&got, a, vector(a, "dstack_quote_report.json"), &e), &e);
    assert_true(slice_eq(got, vector(a, "dstack_quote_report.quote.bin")));
}

static void what_is_no_quote(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct slice got;
    static const struct {
        const char *file, *says;
    } bad[] = {
        {"", "the file is empty"},
        {" \n\t", "the file is empty"},
        {"{}", "no member 'quote'"},
        {"{\"quote\":\"\"}", "the member 'quote' is empty"},
        {"{\"quote\":7}", "must be a text"},
        {"{\"quote\":\"00\",\"quote\":\"01\"}", "duplicate"},
        {"{\"quote\":\"zz\"}", "the member 'quote'"},
        {"<html>", "no quote in bytes"},
        {"0xabc", "odd number of hex digits"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_err(quote_read(&got, a, slice_str(bad[i].file), &e), &e, ERR_INVALID, bad[i].says);
    size_t n = QUOTE_FILE_MAX + 1;
    uint8_t *large = arena_calloc(a, n, 1);
    assert_err(quote_read(&got, a, slice_of(large, n), &e), &e, ERR_TOO_LARGE, "larger than");
    large[0] = 4;
    assert_err(quote_read(&got, a, slice_of(large, DCAP_QUOTE_MAX + 1), &e), &e, ERR_TOO_LARGE, "larger than 65536");
}

static void revocation_lists(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct slice got;
    SCOPED_JSON(j) = json_parse(vector(a, "qvl_tdx_v4_b0c06f.collateral.json"), QUOTE_FILE_MAX, &e);
    const char *hex;
    struct slice der = {NULL, 0};
    assert_ok(json_get_text(j, "pck_crl", &hex, &e) && hex_decode(&der, a, slice_str(hex), &e), &e);
    const char *b64 = base64_text(a, der);
    const char *pem = arena_printf(a, "-----BEGIN X509 CRL-----\n%.*s-----END X509 CRL-----\n",
                                   SLICE_FMT(in_lines(a, arena_printf(a, "%s\n", b64))));
    const struct slice forms[] = {der, slice_str(hex), slice_str(b64), slice_str(pem)};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        assert_ok(crl_read(&got, a, forms[i], &e), &e);
        assert_true(slice_eq(got, der));
    }
    static const char *const bad[] = {"",
                                      "<html>502</html>",
                                      "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----",
                                      "-----BEGIN X509 CRL-----\nMA==\n",
                                      "-----BEGIN X509 CRL-----\nMA==\n-----END X509 CRL-----\nmore",
                                      "313233",
                                      "{\"crl\":1}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_err(crl_read(&got, a, slice_str(bad[i]), &e), &e, ERR_INVALID, "no revocation list");
}

static void issuer_chains(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct slice got;
    assert_ok(chain_read(&got, a, "-----BEGIN%20CERTIFICATE-----%0AMII%2Bx/y+z%3D%0a", &e), &e);
    assert_slice(got, "-----BEGIN CERTIFICATE-----\nMII+x/y+z=\n");
    assert_ok(chain_read(&got, a, "-----BEGIN CERTIFICATE-----\tMII", &e), &e);
    static const char *const bad[] = {"-----BEGIN%20CERTIFICATE-----%",      "-----BEGIN%20CERTIFICATE-----%0",
                                      "-----BEGIN%20CERTIFICATE-----%0g",    "-----BEGIN%20CERTIFICATE-----%00",
                                      "-----BEGIN%20CERTIFICATE-----%c3%a9", ""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_err(chain_read(&got, a, bad[i], &e), &e, ERR_INVALID, "an issuer chain");
}

#define SIG64 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SIG SIG64 SIG64

static void signed_texts(void **state) {
    (void)state;
    struct err e;
    struct signed_text got;
    static const struct {
        const char *body, *text;
    } good[] = {
        {"{\"tcbInfo\":{\"a\":[1,2,{\"b\":\"}\\\"\"}]},\"signature\":\"" SIG "\"}", "{\"a\":[1,2,{\"b\":\"}\\\"\"}]}"},
        {" {\"signature\" : \"" SIG "\" , \"tcbInfo\" : { \"a\" : 1 } } ", "{ \"a\" : 1 }"},
        {"{\"x\":12,\"y\":true ,\"z\":[],\"tcbInfo\":{},\"signature\":\"" SIG "\"}", "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(signed_text_read(&got, slice_str(good[i].body), "tcbInfo", &e), &e);
        assert_slice(got.text, good[i].text);
        assert_int_equal(got.signature[33], 1);
    }
    static const struct {
        const char *body, *says;
    } bad[] = {
        {"", "not valid JSON"},
        {"<html></html>", "not valid JSON"},
        {"[]", "no JSON object"},
        {"{}", "'tcbInfo' is missing"},
        {"{\"tcbInfo\":{}}", "'signature' is missing"},
        {"{\"tcbInfo\":{},\"tcbInfo\":{},\"signature\":\"" SIG "\"}", "there twice"},
        {"{\"tcbInfo\":{},\"signature\":\"" SIG "\",\"signature\":\"" SIG "\"}", "there twice"},
        {"{\"tcb\\u0049nfo\":{},\"tcbInfo\":{},\"signature\":\"" SIG "\"}", "written with escapes"},
        {"{\"tcbInfo\":[],\"signature\":\"" SIG "\"}", "must be an object"},
        {"{\"tcbInfo\":\"{}\",\"signature\":\"" SIG "\"}", "must be an object"},
        {"{\"tcbInfo\":{},\"signature\":7}", "must be a text"},
        {"{\"tcbInfo\":{},\"signature\":\"00\"}", "expected 128 hex digits"},
        {"{\"tcbInfo\":{},\"signature\":\"" SIG "\"}x", "behind the value"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_err(signed_text_read(&got, slice_str(bad[i].body), "tcbInfo", &e), &e, ERR_INVALID, bad[i].says);
    SCOPED_ARENA(a);
    struct slice numbers = vector(a, "pcs_tdx_tcbevaluationdatanumbers.body.json");
    assert_ok(signed_text_read(&got, numbers, "tcbEvaluationDataNumbers", &e), &e);
    assert_int_equal(got.text.ptr[0], '{');
    assert_int_equal(got.text.ptr[got.text.len - 1], '}');
    assert_int_equal(got.signature[0], 0x50);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(quotes),        cmocka_unit_test(what_is_no_quote), cmocka_unit_test(revocation_lists),
    cmocka_unit_test(issuer_chains), cmocka_unit_test(signed_texts),
};
RUN_TESTS(tests)
