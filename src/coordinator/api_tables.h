// SPDX-License-Identifier: Apache-2.0
// The tables that api.h speaks of: what each route takes and answers. api_public.c has those of what anybody may read,
// api_live.c those of what is shown as it happens, api_accounts.c those of what an account asks for itself, api_fleet.c
// those of workers and other holders of tokens.
#pragma once
#include "coordinator/api.h"

// Rows leave out what does not apply.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define API_SCHEMA(id, title, says, others, ...)                                                                       \
    static const struct api_field id##_fields[] = {__VA_ARGS__};                                                       \
    const struct api_schema id = {title, says, id##_fields, ARRAY_LEN(id##_fields), others}
#define API_PARAMS(list) .params = (list), .param_count = ARRAY_LEN(list)

// What counts by outcome mean, of all and of one worker.
#define FAILED_SAYS "Whose guest or build failed."
#define REFUSED_SAYS "That were refused, or whose secrets were."
#define EXPIRED_SAYS "That no guest answered: nobody in time, or the platform failed, or they were cancelled."

// What a worker says of itself, and what everybody is shown of it then.
#define WORKER_SAYS(flags)                                                                                             \
    {"version", API_TEXT, flags, "Of its program."}, {"capabilities", API_TEXTS, flags, "What it builds and runs."},   \
        {"building", API_NUMBER, flags, "Builds now."}, {"running", API_NUMBER, flags, "Runs now."},                   \
        {"submitting", API_NUMBER, flags, "Answers on their way to the chain."},                                       \
        {"free_slots", API_NUMBER, flags, "How many more it would take."},                                             \
        {"operator_id", API_TEXT, API_NULL, "The account as which it answers, by its own word: the chain knows."},     \
        {"public_key", API_TEXT, API_NULL, "The key with which it signs answers, likewise."},                          \
        {"started_at_ms", API_NUMBER, flags, "Since when it runs, in Unix milliseconds."},                             \
        {"block_height", API_NUMBER, flags, "The last block of the chain that it has looked through for requests."}, { \
        "blocks_behind", API_NUMBER, flags, "How far that is behind the newest final block that it knows of."          \
    }

extern const struct api_schema build_record_schema, limits_schema, secrets_ref_schema, context_schema, execution_schema,
    build_records_schema;                                                              // of several files
extern const struct api_schema posted_task_schema, refused_task_schema, report_schema; // messages.h reads them
extern const struct api_schema worker_says_schema;

extern const struct api_about about_tasks_create, about_tasks_poll, about_tasks_heartbeat, about_tasks_complete,
    about_tasks_fail, about_tasks_hand_over, about_locks_acquire, about_locks_release, about_wasm_exists,
    about_wasm_upload, about_wasm_get, about_cargo_lock_upload, about_cargo_lock_get, about_builds_get,
    about_builds_put, about_workers_heartbeat, about_secrets_challenge, about_secrets_session, about_secrets_decrypt;

extern const struct api_about about_keys_create, about_keys_list, about_keys_revoke, about_execution_logs,
    about_secrets_audit;

extern const struct api_about about_resolve_branch, about_secrets_pubkey_get, about_secrets_pubkey,
    about_secrets_add_generated, about_public_workers, about_public_jobs, about_public_executions,
    about_public_execution, about_public_stats, about_public_pricing, about_public_series, about_public_usage,
    about_public_earnings, about_public_repos, about_public_repos_popular, about_public_config, about_public_wasm_info,
    about_public_changes, about_public_examples, about_public_pricing_refresh, about_public_builds, about_public_build,
    about_attestation, about_page, about_openapi, about_health, about_healthz, about_readyz, about_metrics;
