// SPDX-License-Identifier: Apache-2.0
#include "calls.h"

#include "secrets.h"

// --- request_execution

static const struct json_choices format_choices = {format_names, 3};
static const struct json_field source_fields[] = {
    REQUIRED(struct code_source, repo),
    REQUIRED(struct code_source, commit),
    OPTIONAL(struct code_source, build_target),
};
static const struct json_shape source_shape = JSON_SHAPE(source_fields, OPEN);
static const struct json_field limits_fields[] = {
    OPTIONAL(struct limits_given, max_instructions),
    OPTIONAL(struct limits_given, max_memory_mb),
    OPTIONAL(struct limits_given, max_execution_seconds),
};
static const struct json_shape limits_shape = JSON_SHAPE(limits_fields, OPEN);
static const struct json_field secrets_ref_fields[] = {
    REQUIRED(struct secrets_ref, profile),
    REQUIRED(struct secrets_ref, account_id),
};
static const struct json_shape secrets_ref_shape = JSON_SHAPE(secrets_ref_fields, OPEN);
static const struct json_field request_fields[] = {
    REQUIRED_BY(struct request_call, code_source, json_read_shape, &source_shape),
    OPTIONAL_BY(struct request_call, resource_limits, json_read_shape, &limits_shape),
    OPTIONAL(struct request_call, input_data),
    OPTIONAL_BY(struct request_call, secrets_ref, json_read_shape, &secrets_ref_shape),
    OPTIONAL_BY(struct request_call, response_format, json_read_choice, &format_choices),
    OPTIONAL(struct request_call, payer_account_id),
};
static const struct json_shape request_shape = JSON_SHAPE(request_fields, CLOSED);

// Visible ASCII that no JSON string escapes, and that no program takes for an option.
static bool is_name(struct text t, size_t max) {
    if (t.len == 0 || t.len > max || t.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < t.len; i++)
        if (t.ptr[i] <= ' ' || t.ptr[i] > '~' || t.ptr[i] == '"' || t.ptr[i] == '\\')
            return false;
    return true;
}

static void check_source(const struct code_source *s) {
    require(is_name(s->repo, REPO_MAX), "code_source.repo must be 1 to 256 visible ASCII characters without quotes and "
                                        "backslashes, and not begin with '-'");
    require(is_name(s->commit, COMMIT_MAX), "code_source.commit must name a commit, branch or tag in 1 to 128 visible "
                                            "ASCII characters, and not begin with '-'");
    require(!s->build_target.ptr || is_name(s->build_target, TARGET_MAX),
            "code_source.build_target must be a target's name, such as wasm32-wasip1, or be left out");
}

struct request_call request_call_read(void) {
    struct request_call in = {.response_format = FORMAT_TEXT};
    json_arguments(&in, &request_shape);
    check_source(&in.code_source);
    if (in.secrets_ref.profile.ptr)
        profile_check(in.secrets_ref.profile);
    return in;
}

struct limits limits_of(const struct limits_given *g) {
    struct limits l = DEFAULT_LIMITS;
    if (g->max_instructions.given)
        l.max_instructions = g->max_instructions.value;
    if (g->max_memory_mb.given)
        l.max_memory_mb = g->max_memory_mb.value;
    if (g->max_execution_seconds.given)
        l.max_execution_seconds = g->max_execution_seconds.value;
    return l;
}

struct limits limits_read(void) {
    struct estimate_call {
        struct limits_given resource_limits;
    } in = {0};
    static const struct json_field fields[] = {
        OPTIONAL_BY(struct estimate_call, resource_limits, json_read_shape, &limits_shape)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    json_arguments(&in, &shape);
    return limits_of(&in.resource_limits);
}

// --- answers

const char *const failure_names[] = {"guest", "build", "access", "platform", "timeout", "cancelled"};
static const struct json_choices failure_choices = {failure_names, FAILURE_PLATFORM + 1};

// [0,…,255] into bytes, in place: a number is never shorter than its byte.
static struct text read_byte_array(struct json_in *in) {
    json_expect(in, '[');
    char *start = in->p, *to = start;
    if (!json_take(in, ']')) {
        do
            *to++ = (char)json_take_u64(in, 255);
        while (json_take(in, ','));
        json_expect(in, ']');
    }
    return (struct text){start, (size_t)(to - start)};
}

// {"Bytes":[…]}, {"Text":"…"} or {"Json":…}
static void read_output(struct json_in *in, void *out, const void *more) {
    (void)more;
    struct output *o = out;
    json_expect(in, '{');
    struct text kind = json_take_string(in);
    json_expect(in, ':');
    if (text_eq(kind, TEXT("Bytes")))
        *o = (struct output){.kind = OUTPUT_BYTES, .bytes = read_byte_array(in)};
    else if (text_eq(kind, TEXT("Text")))
        *o = (struct output){.kind = OUTPUT_TEXT, .bytes = json_take_string(in)};
    else if (text_eq(kind, TEXT("Json")))
        *o = (struct output){.kind = OUTPUT_JSON, .bytes = json_take_value(in)};
    else
        json_stop(in, ": expected Bytes, Text or Json");
    json_expect(in, '}');
}

static const struct json_field usage_fields[] = {
    REQUIRED(struct usage, instructions),
    REQUIRED(struct usage, time_ms),
    OPTIONAL(struct usage, compile_time_ms),
};
static const struct json_shape usage_shape = JSON_SHAPE(usage_fields, OPEN);
// clang-format off
#define ANSWER_FIELDS \
    REQUIRED(struct answer, success), \
    OPTIONAL(struct answer, error), \
    REQUIRED_BY(struct answer, resources_used, json_read_shape, &usage_shape), \
    OPTIONAL(struct answer, compilation_note), \
    OPTIONAL_BY(struct answer, failure, json_read_choice, &failure_choices), \
    OPTIONAL(struct answer, wasm_hash), \
    OPTIONAL(struct answer, attestation_digest)
// clang-format on
static const struct json_field response_fields[] = {
    ANSWER_FIELDS,
    OPTIONAL_BY(struct answer, output, read_output, NULL),
};
static const struct json_shape response_shape = JSON_SHAPE(response_fields, OPEN);
static const struct json_field resolve_fields[] = {
    REQUIRED(struct answer, request_id),
    JSON_FIELD_AS("response", 0, true, json_read_shape, &response_shape), // into the same struct
};
static const struct json_field submit_and_resolve_fields[] = {
    REQUIRED(struct answer, request_id),
    ANSWER_FIELDS,
    REQUIRED_BY(struct answer, output, read_output, NULL),
};
static const struct json_field submit_fields[] = {
    REQUIRED(struct answer, request_id),
    REQUIRED_BY(struct answer, output, read_output, NULL),
};

static struct answer answer_read(const struct json_shape *shape) {
    struct answer in = {0};
    json_arguments(&in, shape);
    in.error = text_cut(in.error, ERROR_MAX);
    in.compilation_note = text_cut(in.compilation_note, NOTE_MAX);
    return in;
}

struct answer resolve_read(void) {
    static const struct json_shape shape = JSON_SHAPE(resolve_fields, CLOSED);
    return answer_read(&shape);
}

struct answer submit_and_resolve_read(void) {
    static const struct json_shape shape = JSON_SHAPE(submit_and_resolve_fields, CLOSED);
    return answer_read(&shape);
}

struct answer submit_read(void) {
    static const struct json_shape shape = JSON_SHAPE(submit_fields, CLOSED);
    return answer_read(&shape);
}

// --- the rest

uint64_t request_id_read(void) {
    static const struct json_field fields[] = {REQUIRED(struct answer, request_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct answer in = {0};
    json_arguments(&in, &shape);
    return in.request_id;
}

struct new_call new_call_read(void) {
    static const struct json_field fields[] = {
        REQUIRED(struct new_call, owner_id),
        OPTIONAL(struct new_call, operator_id),
    };
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct new_call in = {0};
    json_arguments(&in, &shape);
    return in;
}

struct pricing_call pricing_call_read(void) {
    static const struct json_field fields[] = {
        OPTIONAL(struct pricing_call, base_fee),
        OPTIONAL(struct pricing_call, per_million_instructions_fee),
        OPTIONAL(struct pricing_call, per_ms_fee),
        OPTIONAL(struct pricing_call, per_compile_ms_fee),
    };
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct pricing_call in = {0};
    json_arguments(&in, &shape);
    return in;
}

bool paused_read(void) {
    struct paused_call {
        bool paused;
    } in = {0};
    static const struct json_field fields[] = {REQUIRED(struct paused_call, paused)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    json_arguments(&in, &shape);
    return in.paused;
}
