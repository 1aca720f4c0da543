// SPDX-License-Identifier: Apache-2.0
#include "collateral/forms.h"

#include "codec/hex.h"
#include "codec/json.h"
#include "http/router.h"

#define BODY_DEPTH_MAX 32

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// A copy without white space.
static struct slice without_space(struct arena *a, struct slice text) {
    uint8_t *out = arena_alloc(a, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        if (!is_space(text.ptr[i]))
            out[n++] = text.ptr[i];
    return slice_of(out, n);
}

static bool is_hex_text(struct slice text) {
    for (size_t i = 0; i < text.len; i++)
        if (!isxdigit(text.ptr[i]))
            return false;
    return text.len && text.len % 2 == 0;
}

// Hexadecimal (with or without 0x) or base64, line ends or not.
static bool text_bytes(struct slice *out, struct arena *a, struct slice text, struct err *e) {
    struct slice dense = without_space(a, text);
    if (slice_starts(dense, SLICE_LIT("0x")) || slice_starts(dense, SLICE_LIT("0X")))
        return hex_decode(out, a, slice_skip(dense, 2), e);
    return is_hex_text(dense) ? hex_decode(out, a, dense, e) : base64_decode(out, a, dense, e);
}

// --- quotes

// A version (3, 4 and 5 are known), then the type of the attestation key, both 16 bits: text never begins so.
static bool is_raw_quote(struct slice file) {
    return file.len >= 4 && file.ptr[0] >= 1 && file.ptr[0] <= 8 && file.ptr[1] == 0 && file.ptr[3] == 0;
}

static bool quote_of_json(struct slice *out, struct arena *a, struct slice file, struct err *e) {
    static const char *const members[] = {"quote", "tdx_quote", "tdx_quote_hex"};
    SCOPED_JSON(j) = json_parse(file, QUOTE_FILE_MAX, e);
    const char *text = NULL;
    if (!j)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(members) && !text; i++)
        if (!json_opt_text(j, members[i], &text, e))
            return false;
    if (!text)
        return err_set(e, ERR_INVALID, "the JSON has no member 'quote'");
    if (!text[0]) { // what dstack says on a platform other than TDX
        err_set(e, ERR_INVALID, "the member 'quote' is empty");
        return err_hint(e, "the machine that made it is no TDX guest, or its quoting service does not run");
    }
    return text_bytes(out, a, slice_str(text), e) || err_wrap(e, "the member 'quote'");
}

bool quote_read(struct slice *out, struct arena *a, struct slice file, struct err *e) {
    bool ok;
    size_t at = 0;
    if (file.len > QUOTE_FILE_MAX)
        return err_set(e, ERR_TOO_LARGE, "a quote of %zu bytes is larger than %u", file.len, QUOTE_FILE_MAX);
    while (at < file.len && is_space(file.ptr[at]))
        at++;
    if (is_raw_quote(file)) {
        *out = file;
        ok = true;
    } else if (at < file.len && file.ptr[at] == '{') {
        ok = quote_of_json(out, a, file, e);
    } else {
        ok = at < file.len ? text_bytes(out, a, file, e) : err_set(e, ERR_INVALID, "the file is empty");
    }
    if (!ok)
        return err_wrap(e, "this is no quote in bytes, hexadecimal, base64 or dstack's JSON");
    return out->len <= DCAP_QUOTE_MAX ||
           err_set(e, ERR_TOO_LARGE, "a quote of %zu bytes is larger than %u", out->len, DCAP_QUOTE_MAX);
}

// --- revocation lists

static bool pem_body(struct slice *out, struct slice text, struct err *e) {
    static const struct slice begin = SLICE_LIT("-----BEGIN X509 CRL-----"), end = SLICE_LIT("-----END X509 CRL-----");
    if (!slice_starts(text, begin))
        return err_set(e, ERR_INVALID, "the PEM text is of another kind than 'X509 CRL'");
    struct slice rest = slice_skip(text, begin.len);
    for (size_t i = 0; i + end.len <= rest.len; i++) {
        if (!slice_starts(slice_skip(rest, i), end))
            continue;
        for (size_t b = i + end.len; b < rest.len; b++)
            if (!is_space(rest.ptr[b]))
                return err_set(e, ERR_INVALID, "something stands behind the PEM text");
        *out = slice_of(rest.ptr, i);
        return true;
    }
    return err_set(e, ERR_INVALID, "the PEM text has no end");
}

static bool crl_of_text(struct slice *out, struct arena *a, struct slice text, struct err *e) {
    while (text.len && is_space(text.ptr[0]))
        text = slice_skip(text, 1);
    if (!slice_starts(text, SLICE_LIT("-----")))
        return text_bytes(out, a, text, e);
    struct slice body;
    return pem_body(&body, text, e) && base64_decode(out, a, without_space(a, body), e);
}

bool crl_read(struct slice *out, struct arena *a, struct slice text, struct err *e) {
    if (text.len > CRL_MAX)
        return err_set(e, ERR_TOO_LARGE, "a revocation list of %zu bytes is larger than %u", text.len, CRL_MAX);
    *out = text;
    // A sequence with a length of more than one byte: "0" and then a byte that no text has.
    bool der = text.len > 2 && text.ptr[0] == 0x30 && text.ptr[1] >= 0x80;
    if (!der && !crl_of_text(out, a, text, e))
        return err_wrap(e, "this is no revocation list in DER, PEM, hexadecimal or base64");
    return (out->len && out->ptr[0] == 0x30) || err_set(e, ERR_INVALID, "this is no revocation list: no DER sequence");
}

// --- issuer chains in headers

bool chain_read(struct slice *out, struct arena *a, const char *header, struct err *e) {
    struct slice in = slice_str(header);
    const char *text;
    if (in.len > CHAIN_MAX)
        return err_set(e, ERR_TOO_LARGE, "an issuer chain of %zu characters is longer than %u", in.len, CHAIN_MAX);
    if (!http_percent_decode(&text, a, in))
        return err_set(e, ERR_INVALID, "an issuer chain with a broken escape, or with a NUL");
    *out = slice_str(text);
    for (size_t i = 0; i < out->len; i++)
        if (!is_space(out->ptr[i]) && (out->ptr[i] < 0x20 || out->ptr[i] > 0x7e))
            return err_set(e, ERR_INVALID, "an issuer chain with a character that no PEM text has");
    return strncmp(text, "-----BEGIN CERTIFICATE-----", 27) == 0 ||
           err_set(e, ERR_INVALID, "an issuer chain that begins with no certificate");
}

// --- signed text

// All below: `t` is one JSON value by json_check, so every text and bracket has its end.
static size_t space_at(struct slice t, size_t at) {
    while (is_space(t.ptr[at]))
        at++;
    return at;
}

// Behind the text whose opening quotation mark is at `at`.
static size_t behind_text(struct slice t, size_t at) {
    for (at++; t.ptr[at] != '"'; at++)
        at += t.ptr[at] == '\\';
    return at + 1;
}

static size_t behind_value(struct slice t, size_t at) {
    size_t depth = 0;
    do {
        uint8_t c = t.ptr[at];
        if (c == '"') {
            at = behind_text(t, at);
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= depth && (c == '}' || c == ']');
        at++;
    } while (depth || (t.ptr[at - 1] != '}' && t.ptr[at - 1] != ']' && t.ptr[at - 1] != '"' && t.ptr[at] != ',' &&
                       t.ptr[at] != '}' && !is_space(t.ptr[at])));
    return at;
}

struct member {
    struct slice key, value; // of a text without its quotation marks
    bool text;
};

static size_t take_member(struct slice t, size_t at, struct member *m) {
    size_t end = behind_text(t, at);
    m->key = slice_of(t.ptr + at + 1, end - at - 2);
    at = space_at(t, space_at(t, end) + 1); // behind the colon
    end = behind_value(t, at);
    m->text = t.ptr[at] == '"';
    m->value = m->text ? slice_of(t.ptr + at + 1, end - at - 2) : slice_of(t.ptr + at, end - at);
    return end;
}

static bool keep_once(struct slice *to, const struct member *m, bool text, struct err *e) {
    if (to->len)
        return err_set(e, ERR_INVALID, "the member '%.*s' is there twice", SLICE_FMT(m->key));
    if (m->text != text || !m->value.len || (!text && m->value.ptr[0] != '{'))
        return err_set(e, ERR_INVALID, "the member '%.*s' must be %s", SLICE_FMT(m->key),
                       text ? "a text" : "an object");
    *to = m->value;
    return true;
}

bool signed_text_read(struct signed_text *out, struct slice body, const char *name, struct err *e) {
    struct slice text = {0}, signature = {0};
    if (!json_check(body, BODY_DEPTH_MAX, e))
        return false;
    size_t at = space_at(body, 0);
    if (body.ptr[at] != '{')
        return err_set(e, ERR_INVALID, "the answer is no JSON object");
    for (at = space_at(body, at + 1); body.ptr[at] != '}'; at = space_at(body, at)) {
        struct member m;
        at = space_at(body, take_member(body, at, &m));
        if (body.ptr[at] == ',')
            at++;
        if (memchr(m.key.ptr, '\\', m.key.len))
            return err_set(e, ERR_INVALID, "a member's name is written with escapes");
        bool ok = true;
        if (slice_eq_str(m.key, name))
            ok = keep_once(&text, &m, false, e);
        else if (slice_eq_str(m.key, "signature"))
            ok = keep_once(&signature, &m, true, e);
        if (!ok)
            return false;
    }
    if (!text.len || !signature.len)
        return err_set(e, ERR_INVALID, "the member '%s' is missing", text.len ? "signature" : name);
    out->text = text;
    return hex_decode_exact(out->signature, sizeof out->signature, signature, e) || err_wrap(e, "signature");
}
