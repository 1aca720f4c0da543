// SPDX-License-Identifier: Apache-2.0
#include "worker/answer.h"

#include "base/buf.h"
#include "base/text.h"
#include "codec/hex.h"
#include "worker/first_form.h"
#include <inttypes.h>
#include <stdarg.h>

// The contract's payload without its texts: version, success, failure, usage (8+8+1+8), two optional hashes, two text
// lengths, stored, kind, and the output's length.
#define PAYLOAD_FIXED (1 + 1 + 1 + 25 + 2 * 33 + 2 * 4 + 1 + 1 + 4)
#define SMALL_GAS (60 * TGAS)
#define LARGE_GAS (300 * TGAS)
#define DEPTH_MAX 100 // nesting of a Json output; the contract follows 128

const char *answer_class_text(enum answer_class c) {
    switch (c) {
    case ANSWER_SUCCESS: return NULL;
    case ANSWER_GUEST: return "guest";
    case ANSWER_BUILD: return "build";
    case ANSWER_ACCESS: return "access";
    case ANSWER_PLATFORM: return "platform";
    }
    BUG_ON(true);
    return NULL;
}

const char *answer_class_outcome(enum answer_class c) {
    switch (c) {
    case ANSWER_SUCCESS: return "success";
    case ANSWER_GUEST:
    case ANSWER_BUILD: return "guest_failed";
    case ANSWER_ACCESS: return "refused";
    case ANSWER_PLATFORM: return "expired"; // no answer of the guest, nothing charged
    }
    BUG_ON(true);
    return NULL;
}

// --- outcomes

// An error text for the chain: valid UTF-8 without control characters, cut at a character.
static char *clean_text(struct arena *a, const char *text, size_t max) {
    char *out = arena_strdup(a, text);
    if (!text_is_utf8(slice_str(out)))
        for (char *p = out; *p; p++)
            if ((uint8_t)*p >= 0x80)
                *p = '?';
    for (char *p = out; *p; p++)
        if ((uint8_t)*p < 0x20 && *p != '\n' && *p != '\t')
            *p = ' ';
    out[text_cut(out, max)] = 0;
    return out;
}

void answer_fail(struct answer *out, struct arena *a, enum answer_class class, const char *fmt, ...) {
    char text[4000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    out->class = class;
    out->error = clean_text(a, text, ANSWER_ERROR_MAX);
    out->output = slice_of(NULL, 0);
}

// White space between the parts of a valid JSON text, outside of strings, is left out.
static struct slice compact(struct arena *a, struct slice text) {
    uint8_t *out = arena_alloc(a, text.len + 1);
    size_t n = 0;
    bool in_text = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (!in_text && (c == ' ' || c == '\t' || c == '\n' || c == '\r'))
            continue;
        out[n++] = c;
        if (in_text && c == '\\' && i + 1 < text.len)
            out[n++] = text.ptr[++i];
        else if (c == '"')
            in_text = !in_text;
    }
    out[n] = 0;
    return slice_of(out, n);
}

static void take_json(struct answer *out, struct arena *a, struct slice text) {
    struct err e;
    if (!text.len) {
        answer_fail(out, a, ANSWER_GUEST,
                    "the request asks for JSON, and the guest wrote nothing on its standard output");
        return;
    }
    bool valid = json_check(text, DEPTH_MAX, &e);
    SCOPED_JSON(j) = valid ? json_parse_big(text, text.len, &e) : NULL;
    // A key that is there twice means something else to each reader. What else jansson does not take, others do.
    if (!valid || (!j && strstr(e.msg, "duplicate")))
        answer_fail(out, a, ANSWER_GUEST, "the request asks for JSON, and the guest's output is %s", e.msg);
    else
        out->output = compact(a, text);
}

static void take_output(struct answer *out, struct arena *a, enum response_format format, struct slice bytes) {
    out->class = ANSWER_SUCCESS;
    out->error = NULL;
    out->output = bytes;
    switch (format) {
    case FORMAT_BYTES: return;
    case FORMAT_TEXT:
        if (!text_is_utf8(bytes))
            answer_fail(out, a, ANSWER_GUEST,
                        "the request asks for Text, and the guest's output is not UTF-8; "
                        "ask for Bytes to get it as it is");
        return;
    case FORMAT_JSON: take_json(out, a, bytes); return;
    }
}

void answer_add_build(struct answer *out, uint64_t us) {
    out->built |= us > 0;
    out->build_ms += (us + 999) / 1000;
}

void answer_from_run(struct answer *out, struct arena *a, enum response_format format, const struct exec_result *r) {
    out->format = format;
    out->instructions = r->instructions;
    out->time_ms = (r->run_us + 999) / 1000;
    answer_add_build(out, r->compile_us);
    switch (r->end) {
    case EXEC_OK: take_output(out, a, format, r->output); return;
    case EXEC_EXIT:
    case EXEC_TRAP:
    case EXEC_INSTRUCTIONS:
    case EXEC_MEMORY:
    case EXEC_DEADLINE:
    case EXEC_OUTPUT:
    case EXEC_INVALID:
    case EXEC_FORBIDDEN:
    case EXEC_CRASH: answer_fail(out, a, ANSWER_GUEST, "%s", r->detail); return;
    case EXEC_COMPILE: answer_fail(out, a, ANSWER_BUILD, "build failed: %s", r->detail); return;
    }
}

static enum answer_class class_of_build(enum build_end end) {
    switch (end) {
    case BUILD_OK: return ANSWER_SUCCESS;
    case BUILD_BAD_SOURCE:
    case BUILD_NO_REPOSITORY:
    case BUILD_NO_COMMIT:
    case BUILD_NO_RECIPE:
    case BUILD_DEPENDENCY:
    case BUILD_FAILED:
    case BUILD_TIMEOUT:
    case BUILD_BAD_OUTPUT: return ANSWER_BUILD;
    case BUILD_NO_ISOLATION:
    case BUILD_PLATFORM: return ANSWER_PLATFORM;
    }
    return ANSWER_PLATFORM;
}

void answer_from_build(struct answer *out, struct arena *a, const struct build_result *b) {
    answer_add_build(out, (b->resolve_ms + b->build_ms) * 1000);
    const char *reason = b->reason ? b->reason : build_end_slug(b->end);
    enum answer_class class = class_of_build(b->end);
    answer_fail(out, a, class, "%s%s", class == ANSWER_BUILD ? "build failed: " : "", reason);
}

// --- as the contract takes it

// The text as a JSON string.
static char *quoted(struct arena *a, struct slice text) {
    SCOPED_JSON(j) = json_stringn((const char *)text.ptr, text.len);
    return j ? json_text(a, j) : arena_strdup(a, "\"\"");
}

static uint64_t returned_length(const struct answer *n, struct arena *a) {
    switch (n->format) {
    case FORMAT_BYTES: return 2 + ((uint64_t)n->output.len + 2) / 3 * 4;
    case FORMAT_TEXT: return strlen(quoted(a, n->output));
    case FORMAT_JSON: return n->output.len;
    }
    return 0;
}

void answer_check_size(struct answer *out, struct arena *a) {
    char got[32], most[32];
    if (out->class != ANSWER_SUCCESS)
        return;
    uint64_t returned = returned_length(out, a);
    bool logged = out->first_form && out->format == FORMAT_JSON;
    uint64_t limit = logged ? FIRST_FORM_JSON_MAX : ANSWER_RETURNED_MAX;
    if (returned > limit)
        answer_fail(out, a, ANSWER_GUEST, "the output is %s bytes long as JSON, and at most %s can be %s",
                    text_grouped(returned, got), text_grouped(limit, most),
                    logged ? "logged by this contract; ask for Text" : "handed to a callback");
}

struct hash answer_output_hash(const struct answer *n) {
    return n->class == ANSWER_SUCCESS ? sha256(n->output) : (struct hash){0};
}

static size_t payload_length(const struct answer *n) {
    return PAYLOAD_FIXED + (n->error ? strlen(n->error) : 0) + (n->note ? strlen(n->note) : 0) + n->output.len;
}

static void put_output(struct buf *b, struct arena *a, const struct answer *n) {
    buf_printf(b, "{\"%s\":", response_format_text(n->format));
    switch (n->format) {
    case FORMAT_BYTES:
        buf_add_byte(b, '[');
        for (size_t i = 0; i < n->output.len; i++)
            buf_printf(b, i ? ",%u" : "%u", n->output.ptr[i]);
        buf_add_byte(b, ']');
        break;
    case FORMAT_TEXT: buf_add_str(b, quoted(a, n->output)); break;
    case FORMAT_JSON: buf_add_slice(b, n->output); break;
    }
    buf_add_byte(b, '}');
}

static void put_used(struct buf *b, const struct answer *n) {
    buf_printf(b, ",\"resources_used\":{\"instructions\":%" PRIu64 ",\"time_ms\":%" PRIu64, n->instructions,
               n->time_ms);
    if (n->built)
        buf_printf(b, ",\"compile_time_ms\":%" PRIu64, n->build_ms);
    buf_add_byte(b, '}');
}

// The members of a response, without braces. A contract of the first form knows fewer.
static void put_response(struct buf *b, struct arena *a, const struct answer *n) {
    char hex[65];
    buf_printf(b, "\"success\":%s", n->class == ANSWER_SUCCESS ? "true" : "false");
    if (n->class == ANSWER_SUCCESS) {
        buf_add_str(b, ",\"output\":");
        put_output(b, a, n);
    } else {
        buf_printf(b, ",\"error\":%s", quoted(a, slice_str(n->error)));
        if (!n->first_form)
            buf_printf(b, ",\"failure\":\"%s\"", answer_class_text(n->class));
    }
    put_used(b, n);
    if (n->note)
        buf_printf(b, ",\"compilation_note\":%s", quoted(a, slice_str(n->note)));
    if (n->has_wasm && !n->first_form)
        buf_printf(b, ",\"wasm_hash\":\"%s\"", hash_hex(&n->wasm_hash, hex));
    if (n->has_digest && !n->first_form)
        buf_printf(b, ",\"attestation_digest\":\"%s\"", hash_hex(&n->digest, hex));
}

static struct answer_call call_of(const struct answer *n, struct arena *a, uint64_t request_id, bool small) {
    SCOPED_BUF(b, 8u << 20);
    buf_printf(&b, "{\"request_id\":%" PRIu64 ",", request_id);
    if (small)
        buf_add_str(&b, "\"response\":{");
    put_response(&b, a, n);
    buf_add_str(&b, small ? "}}" : "}");
    BUG_ON(b.full);
    return (struct answer_call){small ? METHOD_RESOLVE : METHOD_SUBMIT_AND_RESOLVE,
                                arena_copy(a, buf_slice(&b)),
                                {small && !n->first_form ? SMALL_GAS : LARGE_GAS}};
}

// That contract resumes its yield with the response as JSON, nulls written out. Its numbers may become longer.
static size_t first_form_length(const struct answer *n, struct arena *a) {
    SCOPED_BUF(b, 8u << 20);
    put_response(&b, a, n);
    size_t numbers = n->class == ANSWER_SUCCESS && n->format == FORMAT_JSON ? 3 * n->output.len : 0;
    return b.len + numbers + FIRST_FORM_NULLS;
}

static struct answer_call first_form_call(const struct answer *n, struct arena *a, uint64_t request_id) {
    struct answer cut = *n;
    bool fits = first_form_length(n, a) <= ANSWER_INLINE_MAX;
    while (!fits && cut.class != ANSWER_SUCCESS) {
        char *error = arena_strdup(a, cut.error);
        error[text_cut(error, strlen(error) * 3 / 4)] = 0;
        cut.error = error;
        fits = first_form_length(&cut, a) <= ANSWER_INLINE_MAX;
    }
    return call_of(&cut, a, request_id, fits);
}

struct answer_call answer_call(const struct answer *n, struct arena *a, uint64_t request_id) {
    if (n->first_form)
        return first_form_call(n, a, request_id);
    return call_of(n, a, request_id, n->class != ANSWER_SUCCESS || payload_length(n) <= ANSWER_INLINE_MAX);
}
