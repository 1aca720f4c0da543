// SPDX-License-Identifier: Apache-2.0
#include "coordinator/api_tables.h"

#include "queue/shared.h"

#define STATES "received queued leased building running submitting settled expired"
#define OUTCOMES "success guest_failed refused expired"

// --- secrets, branches ---------------------------------------------------------------------------------------------

#define REPO_TEXT_MAX 1024
static const struct api_field resolve_params[] = {
    {"repo", API_TEXT, API_MUST, "Repository, in any spelling.", .min = 1, .max = REPO_TEXT_MAX},
    {"commit", API_TEXT, API_MUST, "Branch, tag or commit.", .min = 1, .max = REPO_TEXT_MAX}};
API_SCHEMA(branch_schema, "Branch", "The branch that it is on.", API_CLOSED,
           {"repo_normalized", API_TEXT, API_MUST, "As secrets name it."},
           {"commit", API_TEXT, API_MUST, "As it was asked for."}, {"branch", API_TEXT, API_MUST, "Its branch."},
           {"cached", API_BOOL, API_MUST, "Whether it was known from an earlier question."});
const struct api_about about_resolve_branch = {.id = "resolveBranch",
                                               .what = "The branch that a branch, tag or commit is on.",
                                               API_PARAMS(resolve_params),
                                               .answers = {{200, .of = &branch_schema}}};

API_SCHEMA(pubkey_schema, "SecretsKey", "To which secrets are sealed; signed by the keystore.", API_CLOSED,
           {"repo_normalized", API_TEXT, API_MUST, "Repository, as secrets name it."},
           {"branch", API_TEXT, API_MUST_NULL, "Null: all branches."}, {"owner", API_TEXT, API_MUST, "Whose."},
           {"pubkey", API_HASH, API_MUST, "X25519 key."},
           {"generation", API_NUMBER, API_MUST, "Of the keystore's master secret."},
           {"identity", API_TEXT, API_MUST, "The keystore's key, which the contract has, too."},
           {"signature", API_TEXT, API_MUST, "By that key, over the fields."},
           {"fresh_signature", API_TEXT, 0, "Over the fields and the nonce that was sent."});
static const struct api_field pubkey_params[] = {
    {"repo", API_TEXT, API_MUST, "Repository, in any spelling.", .min = 1, .max = REPO_TEXT_MAX},
    {"owner", API_ACCOUNT, API_MUST, "Whose secrets."},
    {"branch", API_TEXT, 0, "Branch; without it all.", .max = REPO_TEXT_MAX}};
const struct api_about about_secrets_pubkey_get = {.id = "getSecretsKey",
                                                   .what = "The key to which secrets are sealed.",
                                                   API_PARAMS(pubkey_params),
                                                   .answers = {{200, .of = &pubkey_schema}}};
API_SCHEMA(pubkey_wish_schema, "SecretsKeyWish", "Whose key is asked for. Values are never sent.", API_CLOSED,
           {"repo", API_TEXT, API_MUST, "Repository, in any spelling.", .min = 1},
           {"owner", API_ACCOUNT, API_MUST, "Whose secrets."}, {"branch", API_TEXT, API_NULL, "Branch."},
           {"names", API_TEXTS, API_NULL, "Names of the secrets, to be checked."},
           {"nonce", API_HASH, API_NULL, "Random; `fresh_signature` is over it."});
const struct api_about about_secrets_pubkey = {.id = "askSecretsKey",
                                               .what = "The key to which secrets are sealed, signed afresh.",
                                               .passed_on = true,
                                               .body = &pubkey_wish_schema,
                                               .answers = {{200, .of = &pubkey_schema}}};
API_SCHEMA(new_secret_schema, "NewSecret", "One that the keystore makes.", API_OPEN,
           {"name", API_TEXT, API_MUST, "Begins with PROTECTED_."},
           {"generation_type", API_TEXT, API_MUST, "hex32, password:20, ed25519, …"});
API_SCHEMA(generate_schema, "GenerateSecrets", "What is to be made, beside what is there.", API_CLOSED,
           {"repo", API_TEXT, API_MUST, "Repository, in any spelling.", .min = 1},
           {"owner", API_ACCOUNT, API_MUST, "Whose secrets."}, {"branch", API_TEXT, API_NULL, "Branch."},
           {"profile", API_TEXT, API_MUST, "Profile.", .min = 1},
           {"encrypted_secrets_base64", API_TEXT, API_NULL, "Those that are there, sealed."},
           {"new_secrets", API_LIST, API_MUST, "Those that are to be made.", .of = &new_secret_schema},
           {"nonce", API_TEXT, API_NULL, "Random: 32 bytes in base64."},
           {"public_key", API_TEXT, API_NULL, "Key of the owner that signed."},
           {"signature", API_TEXT, API_NULL, "Of the owner, as NEP-413 has it."},
           {"callback_url", API_TEXT, API_NULL, "That the owner's wallet signed with."});
API_SCHEMA(generated_schema, "GeneratedSecrets", "The sealed whole, signed by the keystore.", API_CLOSED,
           {"repo_normalized", API_TEXT, API_MUST, "Repository, as secrets name it."},
           {"branch", API_TEXT, API_MUST_NULL, "Null: all branches."}, {"owner", API_TEXT, API_MUST, "Whose."},
           {"pubkey", API_HASH, API_MUST, "X25519 key."},
           {"generation", API_NUMBER, API_MUST, "Of the keystore's master secret."},
           {"identity", API_TEXT, API_MUST, "The keystore's key."},
           {"signature", API_TEXT, API_MUST, "By that key, over the fields above."},
           {"fresh_signature", API_TEXT, 0, "Over the fields above and a nonce."},
           {"encrypted_data_base64", API_TEXT, API_MUST, "To be stored on the chain."},
           {"all_keys", API_TEXTS, API_MUST, "Names of all secrets in it."},
           {"blob_signature", API_TEXT, API_MUST, "Over what was asked for and the whole answer."});
const struct api_about about_secrets_add_generated = {.id = "generateSecrets",
                                                      .what =
                                                          "Secrets that the keystore makes, sealed with the others.",
                                                      .passed_on = true,
                                                      .body = &generate_schema,
                                                      .answers = {{200, .of = &generated_schema}}};

// --- workers -------------------------------------------------------------------------------------------------------

API_SCHEMA(worker_schema, "Worker", "What a worker said last of itself; it may say more than is named here.", API_OPEN,
           {"worker_id", API_TEXT, API_MUST, "Its name."},
           {"status", API_WORD, API_MUST, "busy: no free slot; offline: not heard of for 30 s.",
            .words = "online busy offline"},
           {"last_seen_ms", API_NUMBER, API_MUST, "How long ago it was heard of."},
           {"last_heartbeat_at", API_TEXT, API_MUST, "When: RFC 3339, UTC."}, WORKER_SAYS(0),
           {"ended_executions", API_NUMBER, API_MUST, "That it ended, since the beginning, as the coordinator counts."},
           {"successful_executions", API_NUMBER, API_MUST, "Of those, that ended well."},
           {"failed_executions", API_NUMBER, API_MUST, FAILED_SAYS},
           {"refused_executions", API_NUMBER, API_MUST, REFUSED_SAYS},
           {"expired_executions", API_NUMBER, API_MUST, EXPIRED_SAYS},
           {"worker_name", API_TEXT, API_MUST_NULL, "`worker_id`."},
           {"current_task_id", API_NUMBER, API_MUST_NULL, "Null: a worker may have many at a time."},
           {"total_tasks_completed", API_NUMBER, API_MUST, "`successful_executions`."},
           {"total_tasks_failed", API_NUMBER, API_MUST, "`ended_executions` without `successful_executions`."},
           {"uptime_seconds", API_NUMBER, API_MUST_NULL, "Since `started_at_ms`; null: it does not say."});
const struct api_about about_public_workers = {.id = "listWorkers",
                                               .what = "The workers that were seen, also those that fell silent.",
                                               .answers = {{200, .of = &worker_schema, .list = true}, {304}}};

// --- executions ----------------------------------------------------------------------------------------------------

#define LIST_PARAMS                                                                                                    \
    {"transaction_hash", API_TEXT, 0, "Of the request.", .max = 128}, {"contract_id", API_ACCOUNT, 0, "Contract."},    \
        {"request_id", API_NUMBER, 0, "Number of the request."}, {"sender", API_ACCOUNT, 0, "Who asked."},             \
        {"payer", API_ACCOUNT, 0, "Who paid."},                                                                        \
        {"state", API_WORD, 0, "Where it is now.",                                                                     \
         .words = "queued leased building running submitting settled expired"},                                        \
        {"outcome", API_WORD, 0, "How it ended.", .words = OUTCOMES},                                                  \
        {"failure", API_TEXT, 0, "Class of the failure: guest, build, access or platform.", .max = 64},                \
        {"repo", API_TEXT, 0, "Repository, spelled as it was asked for.", .max = REPO_TEXT_MAX},                       \
        {"worker", API_TEXT, 0, "Who ended it.", .max = 128}, {"wasm_hash", API_HASH, 0, "Module that ran."},          \
        {"from", API_NUMBER, 0, "Recorded at this moment or later, in Unix milliseconds."},                            \
        {"to", API_NUMBER, 0, "Recorded before this moment."}, {"limit", API_NUMBER, 0, "How many; 50.", .max = 200},  \
        {"offset", API_NUMBER, 0, "How many to pass over; `before` costs less.", .max = 100000}, {                     \
        "before", API_NUMBER, 0, "Only those whose `id` is less: continues a list."                                    \
    }
static const struct api_field executions_params[] = {LIST_PARAMS};
static const struct api_field jobs_params[] = {
    LIST_PARAMS,
    {"user_account_id", API_ACCOUNT, 0, "The same as `sender`."},
    {"github_repo", API_TEXT, 0, "The same as `repo`.", .max = REPO_TEXT_MAX},
    {"worker_id", API_TEXT, 0, "The same as `worker`.", .max = 128}};

#define ROW                                                                                                            \
    {"id", API_NUMBER, API_MUST, "Grows with each execution that is recorded."},                                       \
        {"state", API_WORD, API_MUST, "Where it is.", .words = STATES},                                                \
        {"attempt", API_NUMBER, API_MUST, "How often it was handed out, while it is under way."},                      \
        {"worker_id", API_TEXT, API_MUST_NULL, "Who has it, or ended it."},                                            \
        {"contract_id", API_ACCOUNT, API_MUST, "Contract."},                                                           \
        {"request_id", API_NUMBER, API_MUST, "Number of the request there."},                                          \
        {"created_at", API_NUMBER, API_MUST, "When it was recorded, in Unix milliseconds."},                           \
        {"outcome", API_WORD, API_MUST_NULL, "How it ended.", .words = OUTCOMES},                                      \
        {"completed_at", API_NUMBER, API_MUST_NULL, "When, in Unix milliseconds."},                                    \
        {"transaction_hash", API_TEXT, API_MUST_NULL, "Of the request."},                                              \
        {"sender_id", API_TEXT, API_MUST_NULL, "Who asked."}, {"payer_id", API_TEXT, API_MUST_NULL, "Who paid."},      \
        {"payment", API_AMOUNT, API_MUST_NULL, "What was paid in advance, in yoctoNEAR."},                             \
        {"repo", API_TEXT, API_MUST_NULL, "Repository, as it was asked for."},                                         \
        {"build_target", API_TEXT, API_MUST_NULL, "Build target, as it was asked for."},                               \
        {"ref", API_TEXT, API_MUST_NULL, "Branch, tag or commit, as it was asked for."},                               \
        {"error", API_TEXT, 0, "What went wrong."},                                                                    \
        {"failure", API_TEXT, 0, "Class of the failure: guest, build, access or platform."},                           \
        {"instructions", API_NUMBER, 0, "Used."}, {"time_ms", API_NUMBER, 0, "Of the run."},                           \
        {"compile_time_ms", API_NUMBER, API_NULL, "Of the build."},                                                    \
        {"peak_memory_bytes", API_NUMBER, 0, "Of the run."}, {"wasm_hash", API_HASH, 0, "Of the module."},             \
        {"commit", API_TEXT, 0, "That was built."}, {"build_key", API_HASH, 0, "Of the build."},                       \
        {"output_hash", API_HASH, 0, "Of the output."}, {"output_bytes", API_NUMBER, 0, "Length of the output."},      \
        {"resolve_tx_id", API_TEXT, API_NULL, "Transaction that answered."},                                           \
        {"charged", API_AMOUNT, 0, "In yoctoNEAR."}, {"refunded", API_AMOUNT, 0, "In yoctoNEAR."}, {                   \
        "data_id", API_HASH, API_NULL, "Of the yield that waited when it was recorded."                                \
    }
API_SCHEMA(execution_schema, "Execution",
           "One execution, also one that is under way. Its end is there when it is over.", API_CLOSED, ROW);
API_SCHEMA(executions_schema, "Executions", "A page of executions, the newest first.", API_CLOSED,
           {"executions", API_LIST, API_MUST, "Executions.", .of = &execution_schema},
           {"next", API_TEXT, API_MUST_NULL, "`before` of the next page; null: this is the last one."});
const struct api_about about_public_executions = {.id = "listExecutions",
                                                  .what =
                                                      "Executions, the newest first, also those that are under way.",
                                                  API_PARAMS(executions_params),
                                                  .answers = {{200, .of = &executions_schema}, {304}}};
API_SCHEMA(job_schema, "Job", "The same execution, with the reference's names for it beside.", API_CLOSED, ROW,
           {"job_id", API_NUMBER, API_MUST, "`id`."},
           {"job_type", API_WORD, API_MUST, "The whole request is one row.", .words = "execute"},
           {"success", API_BOOL, API_MUST, "Whether it ended well."},
           {"status", API_WORD, API_MUST, "Where it is, or how it ended.",
            .words = "pending in_progress completed failed compilation_failed execution_failed access_denied"},
           {"error_details", API_TEXT, API_MUST_NULL, "`error`."},
           {"execution_time_ms", API_NUMBER, API_MUST_NULL, "`time_ms`."},
           {"instructions_used", API_NUMBER, API_MUST_NULL, "`instructions`."},
           {"user_account_id", API_TEXT, API_MUST_NULL, "`sender_id`."},
           {"near_payment_yocto", API_AMOUNT, API_MUST_NULL, "`payment`."},
           {"actual_cost_yocto", API_AMOUNT, API_MUST_NULL, "`charged`."},
           {"compile_cost_yocto", API_AMOUNT, API_MUST_NULL, "Null: what was charged is one sum."},
           {"github_repo", API_TEXT, API_MUST_NULL, "`repo`."},
           {"github_commit", API_TEXT, API_MUST_NULL, "`commit`."});
const struct api_about about_public_jobs = {
    .id = "listJobs",
    .what = "The same executions as a bare list, with the reference's names beside. The last `id` is where it goes on.",
    API_PARAMS(jobs_params),
    .answers = {{200, .of = &job_schema, .list = true}, {304}}};

static const struct api_field execution_path[] = {{"contract_id", API_ACCOUNT, API_PATH, "Contract."},
                                                  {"request_id", API_NUMBER, API_PATH, "Number of the request there."}};
API_SCHEMA(
    step_schema, "TimelineStep", "What happened, and when.", API_CLOSED,
    {"stage", API_WORD, API_MUST, "What.",
     .words = "recorded leased building running submitting lost given_back handed_over taken_back settled expired"},
    {"at_ms", API_NUMBER, API_MUST, "When, in Unix milliseconds."}, {"worker_id", API_TEXT, 0, "By which worker."},
    {"attempt", API_NUMBER, 0, "In which attempt."}, {"reason", API_TEXT, 0, "Why."});
API_SCHEMA(digest_schema, "DigestParts",
           "What the attestation digest is made of (`protocol/attestation.h` says how), in the order of the record.",
           API_CLOSED,
           {"complete", API_BOOL, API_MUST,
            "These are the parts that the worker which answered has hashed. False: what the coordinator knows of them, "
            "which gives no digest."},
           {"attestation_digest", API_HASH, API_MUST_NULL,
            "The hash of these parts; the chain has it in `execution_completed`."},
           {"network", API_TEXT, API_MUST_NULL, "Network."}, {"contract_id", API_ACCOUNT, API_MUST, "Contract."},
           {"request_id", API_NUMBER, API_MUST, "Number of the request."},
           {"sender_id", API_TEXT, API_MUST_NULL, "Who asked."},
           {"repo", API_TEXT, API_MUST_NULL, "Repository, as it was asked for."},
           {"commit", API_TEXT, API_MUST_NULL, "That was built."},
           {"build_key", API_HASH, API_MUST_NULL, "Of the build."},
           {"wasm_hash", API_HASH, API_MUST_NULL, "Of the module."},
           {"output_hash", API_HASH, API_MUST_NULL, "Of the output."},
           {"instructions", API_NUMBER, API_MUST_NULL, "Used."},
           {"data_id", API_HASH, API_MUST_NULL, "Of the yield; an extension makes a new one."},
           {"resource_limits", API_OBJECT, API_MUST_NULL, "Limits.", .of = &limits_schema},
           {"secrets_ref", API_OBJECT, API_MUST_NULL, "With whose secrets.", .of = &secrets_ref_schema},
           {"build_target", API_TEXT, API_MUST, "Build target."}, {"input_hash", API_HASH, API_MUST, "Of the input."},
           {"success", API_BOOL, API_MUST, "Whether it ended well."},
           {"price_list", API_TEXT, API_MUST_NULL, "Which instructions cost what."},
           {"engine", API_TEXT, API_MUST_NULL, "That ran it."},
           {"measurement", API_TEXT, API_MUST_NULL, "Of the worker's machine; empty: none."},
           {"block_height", API_NUMBER, API_MUST_NULL, "Of the request; 0: not known."});
API_SCHEMA(detail_schema, "ExecutionDetail", "One whole execution.", API_CLOSED, ROW,
           {"response_format", API_WORD, API_MUST_NULL, "How the answer is written.", .words = "Bytes Text Json"},
           {"resource_limits", API_OBJECT, API_MUST_NULL, "Limits.", .of = &limits_schema},
           {"secrets_ref", API_OBJECT, API_MUST_NULL, "With whose secrets.", .of = &secrets_ref_schema},
           {"context", API_OBJECT, API_MUST_NULL, "Where it stands on the chain.", .of = &context_schema},
           {"refused", API_TEXT, API_MUST_NULL, "Why its event could not be read."},
           {"input_bytes", API_NUMBER, API_MUST, "Length of the input."},
           {"timeline", API_LIST, API_MUST, "What happened, in its order.", .of = &step_schema},
           {"digest_parts", API_OBJECT, API_MUST, "What its digest is made of.", .of = &digest_schema});
const struct api_about about_public_execution = {.id = "getExecution",
                                                 .what = "One execution with all that happened to it.",
                                                 API_PARAMS(execution_path),
                                                 .answers = {{200, .of = &detail_schema}, {304}}};

// --- attestations --------------------------------------------------------------------------------------------------

static const struct api_field attestation_params[] = {
    {"request_id", API_NUMBER, API_PATH, "Number of the request at the contract."},
    {"contract_id", API_ACCOUNT, 0, "Contract; without it the coordinator's own."}};
API_SCHEMA(get_worker_schema, "RegistrationArgs", "What the register contract is asked.", API_CLOSED,
           {"public_key", API_TEXT, API_MUST, "The key."});
API_SCHEMA(registration_schema, "Registration",
           "Where to ask whether a key is registered, and where its quote is then.", API_CLOSED,
           {"contract_id", API_TEXT, API_MUST, "`operator_id`: a register contract sits on its operator's account."},
           {"method_name", API_TEXT, API_MUST, "Its view, which says what it has of the key."},
           {"args", API_OBJECT, API_MUST, "Arguments of the view.", .of = &get_worker_schema},
           {"event", API_TEXT, API_MUST, "What the contract logs when it registers a key."},
           {"quote", API_TEXT, API_MUST, "Where the quote is, in a sentence."});
API_SCHEMA(run_attestation_schema, "RunAttestation",
           "What is stored of how a run is attested, and what is not attested. Nothing of it was checked here.",
           API_CLOSED, {"id", API_NUMBER, API_MUST, "`id` of the execution."},
           {"task_id", API_NUMBER, API_MUST, "`id`."},
           {"task_type", API_WORD, API_MUST, "The whole request is one.", .words = "execute"},
           {"tdx_quote", API_TEXT, API_MUST_NULL, "Null: no run has a quote of its own."},
           {"worker_measurement", API_TEXT, API_MUST_NULL, "Null, likewise: it is what a quote shows."},
           {"request_id", API_NUMBER, API_MUST, "Number of the request."},
           {"contract_id", API_ACCOUNT, API_MUST, "Contract."},
           {"caller_account_id", API_TEXT, API_MUST_NULL, "Who asked."},
           {"transaction_hash", API_TEXT, API_MUST_NULL, "Of the request."},
           {"block_height", API_NUMBER, API_MUST_NULL, "Of the request."},
           {"repo_url", API_TEXT, API_MUST_NULL, "Repository, as it was asked for."},
           {"commit_hash", API_TEXT, API_MUST_NULL, "That was built."},
           {"build_target", API_TEXT, API_MUST_NULL, "Build target."},
           {"wasm_hash", API_HASH, API_MUST_NULL, "Of the module."},
           {"input_hash", API_HASH, API_MUST_NULL, "Of the input."},
           {"output_hash", API_HASH, API_MUST_NULL, "Of the output."},
           {"timestamp", API_NUMBER, API_MUST_NULL, "When it ended, in Unix seconds; null: it is under way."},
           {"state", API_WORD, API_MUST,
            "digest: its worker has told the parts of the digest that it gave the chain; none: it has not.",
            .words = "none digest"},
           {"digest", API_HASH, API_MUST_NULL, "The hash of `record`, made here."},
           {"record", API_TEXT, API_MUST_NULL, "The bytes that are hashed, in base64 (`protocol/attestation.h`)."},
           {"digest_parts", API_OBJECT, API_MUST, "What they are made of.", .of = &digest_schema},
           {"resolve_transaction", API_TEXT, API_MUST_NULL, "That answered on the chain: it shows who signed."},
           {"worker_id", API_TEXT, API_MUST_NULL, "Who has it, or ended it."},
           {"operator_id", API_TEXT, API_MUST_NULL, "As which account that worker answers, by its own word of now."},
           {"public_key", API_TEXT, API_MUST_NULL, "With which key, likewise; null: the worker is not known any more."},
           {"registration", API_OBJECT, API_MUST_NULL,
            "Where to ask whether that key is registered; null: key or account are not known here.",
            .of = &registration_schema},
           {"not_attested", API_TEXTS, API_MUST, "What nobody attests, and what was not checked, in sentences."});
const struct api_about about_attestation = {.id = "getAttestation",
                                            .what = "What shows that a run's answer is what its worker says, and what "
                                                    "nothing shows.",
                                            API_PARAMS(attestation_params),
                                            .answers = {{200, .of = &run_attestation_schema}}};

// --- counts, prices ------------------------------------------------------------------------------------------------

#define OUTCOME_COUNTS                                                                                                 \
    {"successful_executions", API_NUMBER, API_MUST, "That ended well."},                                               \
        {"failed_executions", API_NUMBER, API_MUST, FAILED_SAYS},                                                      \
        {"refused_executions", API_NUMBER, API_MUST, REFUSED_SAYS},                                                    \
        {"expired_executions", API_NUMBER, API_MUST, EXPIRED_SAYS},                                                    \
        {"guest_failures", API_NUMBER, API_MUST, "Of the guest itself."},                                              \
        {"build_failures", API_NUMBER, API_MUST, "Of builds."},                                                        \
        {"access_failures", API_NUMBER, API_MUST, "Secrets that were refused."}, {                                     \
        "platform_failures", API_NUMBER, API_MUST, "Of workers and what they depend on."                               \
    }
#define REFERENCE_COUNTS                                                                                               \
    {"access_denied_executions", API_NUMBER, API_MUST, "`access_failures`."},                                          \
        {"compilation_failed_executions", API_NUMBER, API_MUST, "`build_failures`."},                                  \
        {"execution_failed_executions", API_NUMBER, API_MUST, "`guest_failures`."},                                    \
        {"insufficient_payment_executions", API_NUMBER, API_MUST,                                                      \
         "0: the contract refuses what pays too little, and too little for a build is a failure of the build."},       \
    {                                                                                                                  \
        "custom_executions", API_NUMBER, API_MUST, "0: secrets that are not there are `access_failures`."              \
    }
#define USED                                                                                                           \
    {"instructions_used", API_NUMBER, API_MUST, "By all."},                                                            \
        {"average_execution_time_ms", API_NUMBER, API_MUST, "Mean of the runs."},                                      \
        {"run_ms_p50", API_NUMBER, API_MUST, "Half of the runs took less; at most a quarter too long."},               \
        {"run_ms_p95", API_NUMBER, API_MUST, "95 of 100 runs took less; likewise."},                                   \
        {"build_ms_p50", API_NUMBER, API_MUST, "Half of the builds took less; likewise."},                             \
        {"build_ms_p95", API_NUMBER, API_MUST, "95 of 100 builds took less; likewise."},                               \
        {"paid", API_AMOUNT, API_MUST, "In advance, in yoctoNEAR."},                                                   \
        {"charged", API_AMOUNT, API_MUST, "In yoctoNEAR."}, {                                                          \
        "refunded", API_AMOUNT, API_MUST, "In yoctoNEAR."                                                              \
    }
API_SCHEMA(stats_schema, "Stats", "Since the beginning, and how many executions are in each state now.", API_CLOSED,
           {"total_executions", API_NUMBER, API_MUST, "All that were recorded."}, OUTCOME_COUNTS, USED,
           {"active_workers", API_NUMBER, API_MUST, "Heard of within 30 s."},
           {"queued", API_NUMBER, API_MUST, "Waiting now."}, {"leased", API_NUMBER, API_MUST, "Handed out now."},
           {"building", API_NUMBER, API_MUST, "Building now."}, {"running", API_NUMBER, API_MUST, "Running now."},
           {"submitting", API_NUMBER, API_MUST, "Being answered now."},
           {"unique_users", API_NUMBER, API_MUST, "Accounts that asked."},
           {"unique_payers", API_NUMBER, API_MUST, "Accounts that paid."}, REFERENCE_COUNTS,
           {"total_instructions_used", API_NUMBER, API_MUST, "`instructions_used`."},
           {"total_near_paid_yocto", API_AMOUNT, API_MUST, "`charged`: what requests cost, each once."});
const struct api_about about_public_stats = {
    .id = "getStats", .what = "Counts and sums since the beginning.", .answers = {{200, .of = &stats_schema}, {304}}};
static const struct api_field series_params[] = {
    {"from", API_NUMBER, 0, "Unix milliseconds; a day before `to`. Not 90 days ago where steps are no whole hours."},
    {"to", API_NUMBER, 0, "Unix milliseconds; now."},
    {"step", API_NUMBER, 0, "Seconds: whole minutes, above 3600 whole hours; 3600.", .min = 60, .max = 31536000}};
API_SCHEMA(series_step_schema, "SeriesStep", "What ended in this step.", API_CLOSED,
           {"at_ms", API_NUMBER, API_MUST, "When it begins."}, {"executions", API_NUMBER, API_MUST, "All that ended."},
           OUTCOME_COUNTS, USED);
API_SCHEMA(series_schema, "Series", "Steps in which something ended.", API_CLOSED,
           {"from_ms", API_NUMBER, API_MUST, "When the first step begins, whether anything ended in it or not."},
           {"step_ms", API_NUMBER, API_MUST, "How long each is."},
           {"steps", API_LIST, API_MUST, "Steps.", .of = &series_step_schema});
const struct api_about about_public_series = {.id = "getSeries",
                                              .what = "What ended when, at most 1,500 steps.",
                                              API_PARAMS(series_params),
                                              .answers = {{200, .of = &series_schema}, {304}}};
static const struct api_field account_path[] = {{"account_id", API_ACCOUNT, API_PATH, "Account."}};
API_SCHEMA(usage_schema, "Usage", "What an account paid for, each execution once.", API_CLOSED,
           {"account_id", API_ACCOUNT, API_MUST, "Account."},
           {"paid_executions", API_NUMBER, API_MUST, "That it paid for: of these is the rest."},
           {"sent_executions", API_NUMBER, API_MUST, "That it asked for, whoever paid."}, OUTCOME_COUNTS, USED);
const struct api_about about_public_usage = {.id = "getUsage",
                                             .what = "What an account paid for.",
                                             API_PARAMS(account_path),
                                             .answers = {{200, .of = &usage_schema}, {304}}};
API_SCHEMA(earnings_schema, "Earnings", "What an account has spent, under the reference's names.", API_CLOSED,
           {"user_account_id", API_ACCOUNT, API_MUST, "Account."},
           {"total_executions", API_NUMBER, API_MUST, "That it paid for."},
           {"successful_executions", API_NUMBER, API_MUST, "That ended well."},
           {"total_near_spent_yocto", API_AMOUNT, API_MUST, "In yoctoNEAR."},
           {"total_instructions_used", API_NUMBER, API_MUST, "By these."},
           {"average_execution_time_ms", API_NUMBER, API_MUST, "Mean of the runs."});
const struct api_about about_public_earnings = {.id = "getEarnings",
                                                .what = "What an account has spent: the reference's word for it.",
                                                API_PARAMS(account_path),
                                                .answers = {{200, .of = &earnings_schema}, {304}}};
static const struct api_field repos_params[] = {{"limit", API_NUMBER, 0, "How many; 10.", .min = 1, .max = 100}};
API_SCHEMA(repo_schema, "Repository", "What was run of it.", API_CLOSED,
           {"repo", API_TEXT, API_MUST, "As it was asked for."}, {"github_repo", API_TEXT, API_MUST, "The same."},
           {"total_executions", API_NUMBER, API_MUST, "That ended."}, OUTCOME_COUNTS, REFERENCE_COUNTS, USED,
           {"last_commit", API_TEXT, API_MUST_NULL, "That was built last."});
const struct api_about about_public_repos = {.id = "listRepositories",
                                             .what = "The repositories that were run most; a minute old.",
                                             API_PARAMS(repos_params),
                                             .answers = {{200, .of = &repo_schema, .list = true}, {304}}};
const struct api_about about_public_repos_popular = {.id = "listPopularRepositories",
                                                     .what = "The same under the reference's name.",
                                                     API_PARAMS(repos_params),
                                                     .answers = {{200, .of = &repo_schema, .list = true}, {304}}};
API_SCHEMA(pricing_schema, "Pricing", "What the contract charges, and what it grants at most.", API_CLOSED,
           {"base_fee", API_AMOUNT, API_MUST, "Of each request, in yoctoNEAR."},
           {"per_instruction_fee", API_AMOUNT, API_MUST, "Of a million instructions."},
           {"per_ms_fee", API_AMOUNT, API_MUST, "Of a millisecond of running."},
           {"per_compile_ms_fee", API_AMOUNT, API_MUST, "Of a millisecond of building."},
           {"max_instructions", API_NUMBER, API_MUST, "Of a request."},
           {"max_execution_seconds", API_NUMBER, API_MUST, "Of a run."},
           {"max_compilation_seconds", API_NUMBER, API_MUST, "Of a build."},
           {"max_memory_mb", API_NUMBER, API_MUST, "Of a run."},
           {"block_height", API_NUMBER, API_MUST, "Of the final block at which the contract said all that."});
const struct api_about about_public_pricing = {.id = "getPricing",
                                               .what = "The contract's prices and limits, asked at most every 30 s.",
                                               .answers = {{200, .of = &pricing_schema}}};
const struct api_about about_public_pricing_refresh = {
    .id = "refreshPricing",
    .what = "The same, asked anew where the last answer is older than 5 s.",
    .answers = {{200, .of = &pricing_schema}}};

API_SCHEMA(explorer_schema, "Explorer", "Addresses of a block explorer, with a name in braces for what is looked at.",
           API_CLOSED, {"transaction", API_TEXT, API_MUST_NULL, "Has {hash}."},
           {"account", API_TEXT, API_MUST_NULL, "Has {account}."});
API_SCHEMA(config_schema, "Config", "Where a page that shows this coordinator finds what it needs.", API_CLOSED,
           {"network", API_TEXT, API_MUST_NULL, "devnet, testnet or mainnet."},
           {"contract_id", API_TEXT, API_MUST_NULL, "The OutLayer contract."},
           {"register_contract_id", API_TEXT, API_MUST_NULL, "The contract that registers keys of TEE workers."},
           {"rpc_urls", API_TEXTS, API_MUST, "RPC of the chain that anybody may use."},
           {"explorer", API_OBJECT, API_MUST, "Block explorer.", .of = &explorer_schema},
           {"faucet_url", API_TEXT, API_MUST_NULL, "Makes accounts, on a devnet."},
           {"docs_url", API_TEXT, API_MUST_NULL, "Path of the book, where this coordinator serves it."},
           {"version", API_TEXT, API_MUST, "Of this program."},
           {"keystore", API_BOOL, API_MUST, "Whether secrets are offered."},
           {"api_keys", API_BOOL, API_MUST,
            "Whether accounts can make keys: whether the chain can be asked about them."},
           {"tee_mode", API_TEXT, API_MUST, "What workers prove of their machines: none, simulated or tdx."});
const struct api_about about_public_config = {.id = "getConfig",
                                              .what = "What a page needs to know of this deployment.",
                                              .answers = {{200, .of = &config_schema}}};

// --- builds --------------------------------------------------------------------------------------------------------

static const struct api_field builds_params[] = {{"repo", API_TEXT, 0,
                                                  "Repository, in any spelling, with its folder; without it all.",
                                                  .min = 1, .max = REPO_TEXT_MAX},
                                                 {"limit", API_NUMBER, 0, "How many; 20.", .min = 1, .max = 100}};
API_SCHEMA(builds_schema, "Builds", "What was built.", API_CLOSED,
           {"builds", API_LIST, API_MUST, "Records, the newest first.", .of = &build_record_schema});
const struct api_about about_public_builds = {.id = "listBuilds",
                                              .what = "Signed records of what was built, the newest first.",
                                              API_PARAMS(builds_params),
                                              .answers = {{200, .of = &builds_schema}, {304}}};
static const struct api_field build_path[] = {{"build_key", API_HASH, API_PATH, "Of the build."}};
const struct api_about about_public_build = {.id = "getPublicBuild",
                                             .what = "The records of one build, of all who signed one.",
                                             API_PARAMS(build_path),
                                             .answers = {{200, .of = &build_records_schema}, {304}}};
static const struct api_field wasm_info_params[] = {
    {"repo", API_TEXT, 0, "Repository, in any spelling, with its folder. It or `repo_url` is needed.", .min = 1,
     .max = REPO_TEXT_MAX},
    {"commit", API_TEXT, 0, "Commit.", .max = REPO_TEXT_MAX},
    {"target", API_TEXT, 0, "Build target.", .max = REPO_TEXT_MAX},
    {"repo_url", API_TEXT, 0, "The same as `repo`.", .min = 1, .max = REPO_TEXT_MAX},
    {"commit_hash", API_TEXT, 0, "The same as `commit`.", .max = REPO_TEXT_MAX},
    {"build_target", API_TEXT, 0, "The same as `target`.", .max = REPO_TEXT_MAX}};
API_SCHEMA(wasm_info_schema, "WasmInfo", "Whether it was built, and by whom.", API_CLOSED,
           {"exists", API_BOOL, API_MUST, "Whether there is a record."},
           {"checksum", API_HASH, API_MUST_NULL, "`wasm_hash` of the newest one."},
           {"file_size", API_NUMBER, API_MUST_NULL, "Bytes of that module; null: it is not kept here any more."},
           {"created_at", API_TEXT, API_MUST_NULL, "When the newest one came: RFC 3339, UTC."},
           {"builds", API_LIST, API_MUST, "Records, the newest first.", .of = &build_record_schema});
const struct api_about about_public_wasm_info = {.id = "getWasmInfo",
                                                 .what = "Records of what was built of a repository.",
                                                 API_PARAMS(wasm_info_params),
                                                 .answers = {{200, .of = &wasm_info_schema}}};

// --- pages ---------------------------------------------------------------------------------------------------------

const struct api_about about_page = {.id = "page", .what = "A page of the dashboard or of the book.", .page = true};

// --- of the service itself -----------------------------------------------------------------------------------------

API_SCHEMA(document_schema, "OpenApi", "An OpenAPI 3.1 document.", API_OPEN,
           {"openapi", API_TEXT, API_MUST, "Version of the form."});
const struct api_about about_openapi = {
    .id = "getOpenApi", .what = "This description.", .answers = {{200, .of = &document_schema}}};
const struct api_about about_health = {.id = "health", .what = "OK.", .answers = {{200, "text/plain"}}};
const struct api_about about_healthz = {
    .id = "healthz", .what = "The process lives.", .answers = {{200, "text/plain"}}};
const struct api_about about_readyz = {
    .id = "readyz", .what = "The database answers, and it does not drain.", .answers = {{200, "text/plain"}}};
const struct api_about about_metrics = {
    .id = "metrics", .what = "What /public/stats says, for Prometheus.", .answers = {{200, "text/plain"}}};
