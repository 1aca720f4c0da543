// SPDX-License-Identifier: Apache-2.0
#include "coordinator/api_tables.h"

#include "coordinator/account_keys.h"
#include "coordinator/messages.h"

#define KEY                                                                                                            \
    {"id", API_TEXT, API_MUST, "By which it is revoked.", .min = ACCOUNT_KEY_ID_LEN, .max = ACCOUNT_KEY_ID_LEN},       \
        {"name", API_TEXT, API_MUST, "As its account calls it.", .min = 1, .max = ACCOUNT_KEY_NAME_MAX},               \
        {"prefix", API_TEXT, API_MUST, "How it begins: nobody is shown more of it again."}, {                          \
        "created_ms", API_NUMBER, API_MUST, "When it was made, in Unix milliseconds."                                  \
    }
API_SCHEMA(key_wish_schema, "ApiKeyWish", "What a new key is called.", API_CLOSED,
           {"name", API_TEXT, API_MUST, "Printable, on one line.", .min = 1, .max = ACCOUNT_KEY_NAME_MAX});
API_SCHEMA(key_made_schema, "ApiKeyMade", "A new key.", API_CLOSED, KEY,
           {"key", API_TEXT, API_MUST, "For X-API-Key; shown once.", .min = ACCOUNT_KEY_LEN, .max = ACCOUNT_KEY_LEN});
const struct api_about about_keys_create = {.id = "createApiKey",
                                            .what = "Makes a key for the account whose word it has.",
                                            .word = true,
                                            .body = &key_wish_schema,
                                            .answers = {{201, .of = &key_made_schema}}};

API_SCHEMA(key_schema, "ApiKey", "A key of the account.", API_CLOSED, KEY,
           {"last_used_ms", API_NUMBER, API_MUST_NULL, "Up to ten minutes old; null: never."});
API_SCHEMA(keys_schema, "ApiKeys", "All keys of the account.", API_CLOSED,
           {"keys", API_LIST, API_MUST, "The newest first.", .of = &key_schema},
           {"most", API_NUMBER, API_MUST, "How many an account may have."});
const struct api_about about_keys_list = {.id = "listApiKeys",
                                          .what = "The keys of the account whose word it has.",
                                          .word = true,
                                          .answers = {{200, .of = &keys_schema}}};

static const struct api_field revoke_params[] = {{"id", API_TEXT, API_PATH, "The key's.", .min = 1, .max = 64}};
API_SCHEMA(revoked_schema, "ApiKeyRevoked", "It is good no more.", API_CLOSED,
           {"revoked", API_BOOL, API_MUST, "Always true: every coordinator knows it within 5 s."});
const struct api_about about_keys_revoke = {.id = "revokeApiKey",
                                            .what = "Ends a key of the account whose word it has.",
                                            .word = true,
                                            API_PARAMS(revoke_params),
                                            .answers = {{200, .of = &revoked_schema}}};

static const struct api_field logs_params[] = {{"contract_id", API_ACCOUNT, API_PATH, "Contract."},
                                               {"request_id", API_NUMBER, API_PATH, "Number of the request there."}};
API_SCHEMA(logs_schema, "ExecutionLogs", "What a build and a guest said, where a worker told.", API_CLOSED,
           {"build_log", API_TEXT, API_MUST_NULL, "The end of it; null: nothing was built, or nothing told.",
            .max = REPORT_LOG_MAX},
           {"guest_stderr", API_TEXT, API_MUST_NULL, "The end of it; null: nothing ran, or nothing told.",
            .max = REPORT_LOG_MAX});
const struct api_about about_execution_logs = {
    .id = "getExecutionLogs",
    .what = "What the build and the guest of an execution said, for the account that asked for it.",
    .key = true,
    API_PARAMS(logs_params),
    .answers = {{200, .of = &logs_schema}}};

API_SCHEMA(audit_wish_schema, "SecretsAuditWish", "Which page of the audit log.", API_CLOSED,
           {"nonce", API_HASH, API_MUST, "Random; the answer is signed with it."},
           {"before", API_NUMBER, API_NULL, "Only lines whose number is less; `next` of the page before."});
API_SCHEMA(audit_schema, "SecretsAudit", "What the keystore's audit log has of the account's secrets.", API_CLOSED,
           {"owner", API_ACCOUNT, API_MUST, "The account."},
           {"lines", API_TEXTS, API_MUST,
            "Lines of the log as they stand there, each a JSON object, the newest first."},
           {"next", API_NUMBER, API_MUST_NULL, "`before` of the next page; null: there are no older lines."},
           {"identity", API_TEXT, API_MUST, "The keystore's key, which the contract has, too."},
           {"signature", API_TEXT, API_MUST, "By that key, over the nonce and the page."});
const struct api_about about_secrets_audit = {.id = "auditSecrets",
                                              .what = "Who asked for the account's secrets, when, and the verdict.",
                                              .word = true,
                                              .key = true,
                                              .body = &audit_wish_schema,
                                              .answers = {{200, .of = &audit_schema}}};
