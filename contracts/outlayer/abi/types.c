// SPDX-License-Identifier: Apache-2.0
#include "abi/abi.h"
#include "outlayer/args.h"

// --- types: what a person reads, and JSON Schema

#define NUMBER "{\"type\":\"integer\",\"minimum\":0}"
#define ACCOUNT "{\"$ref\":\"#/definitions/AccountId\"}"
#define AMOUNT "{\"$ref\":\"#/definitions/Amount\"}"
#define NULL_TYPE "{\"type\":\"null\"}"
#define ROW                                                                                                            \
    "\"branch\":{\"type\":[\"string\",\"null\"]},\"created_at\":" NUMBER ",\"updated_at\":" NUMBER                     \
    ",\"storage_deposit\":" AMOUNT ",\"access\":{\"$ref\":\"#/definitions/AccessCondition\"}"
static const struct abi_type types[] = {
    {"U64", "number", "{\"type\":\"integer\",\"format\":\"uint64\",\"minimum\":0}"},
    {"MAYBE_U64", "number", "{\"type\":\"integer\",\"format\":\"uint64\",\"minimum\":0}"},
    {"MAYBE_U32", "number", "{\"type\":\"integer\",\"format\":\"uint32\",\"minimum\":0}"},
    {"BOOL", "true or false", "{\"type\":\"boolean\"}"},
    {"TEXT", "text", "{\"type\":\"string\"}"},
    {"INPUT", "text", "{\"type\":\"string\"}"},
    {"ACCOUNT", "account", "{\"$ref\":\"#/definitions/AccountId\"}"},
    {"YOCTO", "yoctoNEAR as text", "{\"$ref\":\"#/definitions/Amount\"}"},
    {"MAYBE_YOCTO", "yoctoNEAR as text", "{\"$ref\":\"#/definitions/Amount\"}"},
    {"MAYBE_HASH", "64 hexadecimal digits", "{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"}"},
    {"RAW", "condition of access", "{\"$ref\":\"#/definitions/AccessCondition\"}"},
    {"KEY", "text or null", "{\"type\":[\"string\",\"null\"]}"},
    {"FORMAT", "`Bytes`, `Text` or `Json`", "{\"type\":\"string\",\"enum\":[\"Bytes\",\"Text\",\"Json\"]}"},
    {"FAILURE", "`guest`, `build`, `access` or `platform`",
     "{\"type\":\"string\",\"enum\":[\"guest\",\"build\",\"access\",\"platform\"]}"},
    {"OUTPUT", "`{\"Bytes\":[0..255,…]}`, `{\"Text\":…}` or `{\"Json\":…}`",
     "{\"$ref\":\"#/definitions/ExecutionOutput\"}"},
    {"output", "text of a Text output, base64 of a Bytes output, the value of a Json output", "{}"},
    {"request", "the request",
     "{\"type\":\"object\",\"properties\":{\"request_id\":" NUMBER ",\"data_id\":{\"type\":\"array\",\"items\":"
     "{\"type\":\"integer\",\"minimum\":0,\"maximum\":255},\"minItems\":32,\"maxItems\":32},\"sender_id\":" ACCOUNT
     ",\"code_source\":{\"$ref\":\"#/definitions/CODE_SOURCE\"},\"resource_limits\":"
     "{\"$ref\":\"#/definitions/RESOURCE_LIMITS\"},\"payment\":{\"type\":\"integer\"},\"timestamp\":" NUMBER
     ",\"secrets_ref\":{\"anyOf\":[{\"$ref\":\"#/definitions/SECRETS_REF\"}," NULL_TYPE "]},\"response_format\":"
     "{\"type\":\"string\"},\"input_data\":" NULL_TYPE ",\"payer_account_id\":" ACCOUNT
     ",\"pending_output\":{\"type\":[\"object\",\"null\"]},\"output_submitted\":{\"type\":\"boolean\"},"
     "\"input_hash\":{\"type\":[\"string\",\"null\"]},\"input_length\":" NUMBER ",\"payment_yocto\":" AMOUNT
     ",\"timestamp_ns\":{\"type\":\"string\"},\"build_seconds\":" NUMBER ",\"answered\":{\"type\":\"boolean\"},"
     "\"extensions\":" NUMBER ",\"pricing\":{\"type\":\"array\",\"items\":" AMOUNT "},\"extensions_left\":" NUMBER
     "},\"additionalProperties\":false}"},
    {"stats", "`[executions, \"fees\"]`", "{\"type\":\"array\",\"minItems\":2,\"maxItems\":2}"},
    {"prices", "four amounts",
     "{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/Amount\"},\"minItems\":4,\"maxItems\":4}"},
    {"range", "two numbers", "{\"type\":\"array\",\"items\":" NUMBER ",\"minItems\":2,\"maxItems\":2}"},
    {"limits", "three numbers", "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":3,\"maxItems\":3}"},
    {"[U64]", "numbers", "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"format\":\"uint64\"}}"},
    {"[ACCOUNT]", "accounts", "{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/AccountId\"}}"},
    {"secrets", "`{encrypted_secrets, access, created_at, updated_at, storage_deposit, branch}`",
     "{\"type\":\"object\",\"properties\":{\"encrypted_secrets\":{\"type\":\"string\"}," ROW "},"
     "\"additionalProperties\":false}"},
    {"user_secrets", "`[{repo, branch, profile, created_at, updated_at, storage_deposit, access}]`",
     "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"repo\":{\"type\":\"string\"},\"profile\":"
     "{\"type\":\"string\"}," ROW "},\"additionalProperties\":false}}"},
    {"profiles", "`[{profile, owner, branch}]`",
     "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"profile\":{\"type\":\"string\"},"
     "\"owner\":" ACCOUNT ",\"branch\":{\"type\":[\"string\",\"null\"]}},\"additionalProperties\":false}}"},
    {"version", "`{version, state_version}`",
     "{\"type\":\"object\",\"properties\":{\"version\":{\"type\":\"string\"},\"state_version\":" NUMBER
     "},\"additionalProperties\":false}"},
    {"metadata", "`{version, link, standards}`",
     "{\"type\":\"object\",\"properties\":{\"version\":{\"type\":\"string\"},\"link\":{\"type\":[\"string\",\"null\"]},"
     "\"standards\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}},\"additionalProperties\":false}"},
};

#define ABI_NAME "outlayer"
#define ABI_VERSION CONTRACT_VERSION
#define ABI_DEFINITIONS                                                                                                \
    "\"AccountId\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":64},"                                            \
    "\"Amount\":{\"type\":\"string\",\"pattern\":\"^[0-9]{1,39}$\"},"                                                  \
    "\"AccessCondition\":{\"anyOf\":[{\"const\":\"AllowAll\"},{\"type\":\"object\"}]},"                                \
    "\"ExecutionOutput\":{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1,\"properties\":{\"Bytes\":"      \
    "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":255}},\"Text\":{\"type\":"          \
    "\"string\"},\"Json\":{}},\"additionalProperties\":false}"
#include "abi/tables.h"
