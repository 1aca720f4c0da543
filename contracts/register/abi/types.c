// SPDX-License-Identifier: Apache-2.0
#include "abi/abi.h"
#include "register/args.h"

#define NUMBER "{\"type\":\"integer\",\"minimum\":0}"
#define STRING "{\"type\":\"string\"}"
#define MAYBE_STRING "{\"type\":[\"string\",\"null\"]}"
#define BOOLEAN "{\"type\":\"boolean\"}"
#define HEX(digits) "{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{" digits "}$\"}"
#define STRINGS "{\"type\":\"array\",\"items\":" STRING "}"
#define DOCUMENT_SCHEMA "{\"type\":[\"object\",\"string\"]}"
#define OBJECT_OF(members) "{\"type\":\"object\",\"properties\":{" members "},\"additionalProperties\":false}"
#define ARRAY_OF(items) "{\"type\":\"array\",\"items\":" items "}"
#define KEY                                                                                                            \
    OBJECT_OF("\"public_key\":" STRING ",\"rtmr3\":" HEX(                                                              \
        "96") ",\"registered_at\":" NUMBER ",\"renewed_at\":" NUMBER ",\"valid_until\":" NUMBER                        \
              ",\"state\":{\"enum\":[\"active\",\"failing\",\"expired\"]},\"tcb_status\":" STRING                      \
              ",\"tcb_date\":" NUMBER ",\"tcb_eval\":" NUMBER ",\"image_id\":" NUMBER ",\"fmspc\":" HEX(               \
                  "12") ",\"platform_id\":" HEX("64") ",\"pck_until\":" NUMBER                                         \
                                                      ",\"transport_key\":" HEX("64") ",\"master_check\":" HEX("64"))
#define IMAGE                                                                                                          \
    OBJECT_OF("\"image_id\":" NUMBER ",\"name\":" MAYBE_STRING ",\"active_from\":" NUMBER ",\"expires_at\":" NUMBER    \
              ",\"role\":" STRING ",\"kind\":{\"enum\":[\"exact\",\"compose\",\"rtmr3\"]},\"compose_hash\":" HEX(      \
                  "64") ",\"rtmr3\":" HEX("96") ",\"mrtd\":" HEX("96") ",\"rtmr0\":" STRINGS                           \
                                                                       ",\"rtmr1\":" HEX("96") ",\"rtmr2\":" HEX(      \
                                                                           "96") ",\"key_provider\":" HEX("64"))
#define PART                                                                                                           \
    "\"part\":{\"enum\":[\"root_crl\",\"pck_crl\",\"tcb_info\",\"qe_identity\"]},\"id\":" STRING ",\"issued\":" NUMBER \
    ",\"next_update\":" NUMBER ",\"eval\":" NUMBER ",\"sha256\":" HEX("64")
static const struct abi_type types[] = {
    {"U64", "number", NUMBER},
    {"MAYBE_U64", "number", NUMBER},
    {"MAYBE_U32", "number", NUMBER},
    {"BOOL", "true or false", BOOLEAN},
    {"MAYBE_BOOL", "true or false", BOOLEAN},
    {"TEXT", "text", STRING},
    {"ACCOUNT", "account", "{\"$ref\":\"#/definitions/AccountId\"}"},
    {"MAYBE_YOCTO", "yoctoNEAR as text", "{\"$ref\":\"#/definitions/Amount\"}"},
    {"MAYBE_HASH", "64 hexadecimal digits", "{\"type\":\"string\",\"pattern\":\"^[0-9a-fA-F]{64}$\"}"},
    {"RAW", "array of texts", STRINGS},
    {"DOCUMENT", "object, or its text", DOCUMENT_SCHEMA},
    {"ROLE", "`worker` or `keystore`", "{\"type\":\"string\",\"enum\":[\"worker\",\"keystore\"]}"},
    {"REGISTER", "96 hexadecimal digits", "{\"type\":\"string\",\"pattern\":\"^[0-9a-fA-F]{96}$\"}"},
    {"REGISTERS", "96 hexadecimal digits, or an array of them",
     "{\"anyOf\":[{\"type\":\"string\",\"pattern\":\"^[0-9a-fA-F]{96}$\"}," STRINGS "]}"},
    {"challenge", "`{challenge, made_at, valid_until}`",
     OBJECT_OF("\"challenge\":" HEX("64") ",\"made_at\":" NUMBER ",\"valid_until\":" NUMBER)},
    {"walk", "`{checked, removed, next}`; next: the from_index of the next call, null at the end",
     OBJECT_OF("\"checked\":" NUMBER ",\"removed\":" NUMBER ",\"next\":{\"type\":[\"integer\",\"null\"]}")},
    {"removal", "`{removed, left}`", OBJECT_OF("\"removed\":" NUMBER ",\"left\":" NUMBER)},
    {"key",
     "`{public_key, rtmr3, registered_at, renewed_at, valid_until, state, tcb_status, tcb_date, tcb_eval, image_id, "
     "fmspc, platform_id, pck_until}`, of keystores `transport_key`, `master_check`",
     KEY},
    {"[key]", "an array of these", ARRAY_OF(KEY)},
    {"collateral", "`[{part, id, issued, next_update, eval, sha256, in_force}]`",
     ARRAY_OF(OBJECT_OF(PART ",\"in_force\":" BOOLEAN))},
    {"collateral_status", "`[{part, id, issued, next_update, eval, sha256, until, days_left, expired}]`",
     ARRAY_OF(OBJECT_OF(PART ",\"until\":" NUMBER ",\"days_left\":" NUMBER ",\"expired\":" BOOLEAN))},
    {"measurements", "`[{mrtd, rtmr0, rtmr1, rtmr2, rtmr3}]`",
     ARRAY_OF(OBJECT_OF("\"mrtd\":" HEX("96") ",\"rtmr0\":" HEX("96") ",\"rtmr1\":" HEX("96") ",\"rtmr2\":" HEX(
         "96") ",\"rtmr3\":" HEX("96")))},
    {"texts", "texts", STRINGS},
    {"images",
     "`[{image_id, name, active_from, expires_at, role, kind, compose_hash or rtmr3, mrtd, rtmr0[], rtmr1, rtmr2, "
     "key_provider}]`; expires_at 0: never",
     ARRAY_OF(IMAGE)},
    {"policy",
     "`{accept, min_tcb_eval, min_qe_eval, key_age_s, grace_s, allowance, allow_plain_report_data, allow_rtmr3_only, "
     "image_delay_s, advisories, platforms}`, and `next_image_delay_s`, `next_image_delay_from` while a shorter delay "
     "waits",
     OBJECT_OF("\"accept\":" STRINGS ",\"min_tcb_eval\":" NUMBER ",\"min_qe_eval\":" NUMBER ",\"key_age_s\":" NUMBER
               ",\"grace_s\":" NUMBER
               ",\"allowance\":{\"$ref\":\"#/definitions/Amount\"},\"allow_plain_report_data\":" BOOLEAN
               ",\"allow_rtmr3_only\":" BOOLEAN ",\"image_delay_s\":" NUMBER ",\"next_image_delay_s\":" NUMBER
               ",\"next_image_delay_from\":" NUMBER ",\"advisories\":" STRINGS ",\"platforms\":" STRINGS)},
    {"config", "`{owner_id, next_owner_id, init_worker_account, registrars, outlayer_contract_id, root_public_key}`",
     OBJECT_OF("\"owner_id\":" STRING ",\"next_owner_id\":" MAYBE_STRING ",\"init_worker_account\":" MAYBE_STRING
               ",\"registrars\":" STRINGS ",\"outlayer_contract_id\":" STRING ",\"root_public_key\":" HEX("128"))},
    {"version", "`{version, state_version}`", OBJECT_OF("\"version\":" STRING ",\"state_version\":" NUMBER)},
    {"metadata", "`{version, link, standards}`",
     OBJECT_OF("\"version\":" STRING ",\"link\":" MAYBE_STRING ",\"standards\":{\"type\":\"array\"}")},
    {"verdict", "the verdict, see below", "{\"type\":\"object\"}"},
};

#define ABI_NAME "register"
#define ABI_VERSION CONTRACT_VERSION
#define ABI_DEFINITIONS                                                                                                \
    "\"AccountId\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":64},"                                            \
    "\"Amount\":{\"type\":\"string\",\"pattern\":\"^[0-9]{1,39}$\"}"
#include "abi/tables.h"
