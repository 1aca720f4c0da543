// SPDX-License-Identifier: Apache-2.0
#include "coordinator/api_tables.h"

#include "coordinator/messages.h"
#include "protocol/attestation.h"
#include "protocol/source_mark.h"
#include "queue/shared.h"

// --- executions ----------------------------------------------------------------------------------------------------

API_SCHEMA(code_source_schema, "CodeSource", "The repository that is asked for.", API_CLOSED,
           {"repo", API_TEXT, API_MUST, "Repository.", .max = TASK_TEXT_MAX},
           {"commit", API_TEXT, API_MUST, "Branch, tag or commit.", .max = TASK_TEXT_MAX},
           {"build_target", API_TEXT, API_NULL, "What is built; wasm32-wasip1.", .max = TASK_TEXT_MAX});
API_SCHEMA(limits_schema, "ResourceLimits", "What the run may use.", API_CLOSED,
           {"max_instructions", API_NUMBER, API_MUST, "Instructions."},
           {"max_memory_mb", API_NUMBER, API_MUST, "Memory in MiB."},
           {"max_execution_seconds", API_NUMBER, API_MUST, "Seconds."});
API_SCHEMA(secrets_ref_schema, "SecretsRef", "Whose secrets the run asks for.", API_OPEN,
           {"profile", API_TEXT, 0, "Profile of the row."}, {"account_id", API_TEXT, 0, "Its owner."});
API_SCHEMA(context_schema, "Context", "Where the request stands on the chain.", API_CLOSED,
           {"block_height", API_NUMBER, API_NULL, "Height."},
           {"block_timestamp", API_NANOS, API_NULL, "Of the block, in nanoseconds."},
           {"transaction_hash", API_TEXT, API_NULL, "Transaction.", .max = TASK_TEXT_MAX},
           {"receipt_id", API_TEXT, API_NULL, "Receipt.", .max = TASK_TEXT_MAX},
           {"predecessor_id", API_TEXT, API_NULL, "Who called the contract.", .max = TASK_TEXT_MAX},
           {"signer_id", API_TEXT, API_NULL, "Who signed.", .max = TASK_TEXT_MAX},
           {"signer_public_key", API_TEXT, API_NULL, "With which key.", .max = TASK_TEXT_MAX},
           {"gas_burnt", API_NUMBER, API_NULL, "Gas of the request."});

#define TASK_KEY                                                                                                       \
    {"contract_id", API_ACCOUNT, API_MUST, "Contract."}, {                                                             \
        "request_id", API_NUMBER, API_MUST, "Number of the request there."                                             \
    }
#define TASK_REST                                                                                                      \
    {"payer_id", API_ACCOUNT, API_NULL, "Who pays."},                                                                  \
        {"input_data", API_TEXT, API_NULL | API_NUL, "Standard input of the run."},                                    \
        {"payment", API_AMOUNT, API_NULL, "What was paid in advance, in yoctoNEAR."},                                  \
        {"timestamp", API_NANOS, API_NULL, "Of the event, in nanoseconds."},                                           \
        {"context", API_OBJECT, API_NULL, "Where it stands on the chain.", .of = &context_schema}, {                   \
        "dead_at_ms", API_NUMBER, API_NULL, "Until when an answer counts on the chain, in Unix milliseconds."          \
    }
#define TASK_REFUSED(flags)                                                                                            \
    { "refused", API_TEXT, flags, "Why the event could not be read." }
#define TASK_ASKED(flags)                                                                                              \
    {"data_id", API_HASH, flags, "Of the yield that waits."}, {"sender_id", API_ACCOUNT, flags, "Who asks."},          \
        {"code_source", API_OBJECT, flags, "What is run.", .of = &code_source_schema},                                 \
        {"resource_limits", API_OBJECT, flags, "Within which limits.", .of = &limits_schema},                          \
        {"secrets_ref", API_OBJECT, API_NULL, "With whose secrets.", .of = &secrets_ref_schema}, {                     \
        "response_format", API_WORD, API_NULL, "How the answer is written.", .words = "Bytes Text Json"                \
    }
API_SCHEMA(posted_task_schema, "PostedTask", "A request as its event has it.", API_CLOSED, TASK_KEY,
           TASK_ASKED(API_MUST), TASK_REST, TASK_REFUSED(API_NULL));
API_SCHEMA(refused_task_schema, "RefusedTask", "What could be read of an event that a worker could not read.",
           API_CLOSED, TASK_KEY, TASK_REFUSED(API_MUST), TASK_REST,
           {"data_id", API_HASH, API_NULL, "Of the yield that waits."},
           {"sender_id", API_ACCOUNT, API_NULL, "Who asks."},
           {"code_source", API_OBJECT, API_NULL, "What is asked for, as it stands there."},
           {"resource_limits", API_OBJECT, API_NULL, "Limits, as they stand there."},
           {"secrets_ref", API_OBJECT, API_NULL, "With whose secrets, as it stands there."},
           {"response_format", API_TEXT, API_NULL, "As it stands there.", .max = TASK_TEXT_MAX});
API_SCHEMA(task_schema, "Task", "A request as it was recorded; with `refused` only the two ids may be there.",
           API_CLOSED, TASK_KEY, TASK_ASKED(API_NULL), TASK_REST, TASK_REFUSED(API_NULL));

static const struct api_field create_params[] = {
    {"network", API_TEXT, 0, "The network that the worker works for; another one than the coordinator's is refused.",
     .max = 64}};
API_SCHEMA(created_schema, "Created", "It is recorded.", API_CLOSED,
           {"request_id", API_NUMBER, API_MUST, "Number of the request."},
           {"created", API_BOOL, API_MUST, "False: it was known."},
           {"replaced", API_BOOL, 0, "It took the place of one that the chain does not bear out."});
const struct api_about about_tasks_create = {.id = "createTask",
                                             .what = "Records a request and queues it.",
                                             API_PARAMS(create_params),
                                             .body = &posted_task_schema,
                                             .or_body = &refused_task_schema,
                                             .or_with = "refused",
                                             .answers = {{200, .of = &created_schema}, {201, .of = &created_schema}}};

static const struct api_field poll_params[] = {
    {"timeout", API_ANY, 0, "Seconds to wait; 30 at most, whatever is said."},
    {"worker_id", API_TEXT, 0, "Name of the worker.", .max = WORKER_ID_MAX},
    {"contract_id", API_ACCOUNT, 0, "Whose requests; the coordinator's own contract's."},
    {"network", API_TEXT, 0, "The network that the worker works for.", .max = 64},
    {"capabilities", API_TEXT, 0,
     "Comma list of build targets, and of `compilation` and `execution`, of which one alone says what the worker "
     "does."},
    {"at_hand", API_TEXT, 0,
     "Comma list of what this worker has at hand, 32 at most: of each source 16 hexadecimal digits, the beginning of "
     "the "
     "SHA-256 of repository (https://host/owner/name, with //folder where there is one), ref and build target, each "
     "but "
     "the last with a line feed behind it. Of workers that wait for one execution such a worker is preferred.",
     .max = SOURCE_MARKS_MAX * (SOURCE_MARK_LEN + 1) - 1},
};
API_SCHEMA(lease_schema, "Lease", "What holds the execution.", API_CLOSED,
           {"token", API_TEXT, API_MUST, "Names the lease in every report.", .max = LEASE_TOKEN_LEN},
           {"expires_in_ms", API_NUMBER, API_MUST, "From each heartbeat on."},
           {"confirm_within_ms", API_NUMBER, API_MUST, "Until its first heartbeat."});
API_SCHEMA(polled_schema, "Polled", "An execution that this worker holds now.", API_CLOSED,
           {"task", API_OBJECT, API_MUST, "As it was recorded.", .of = &task_schema},
           {"lease", API_OBJECT, API_MUST, "What holds it.", .of = &lease_schema},
           {"attempt", API_NUMBER, API_MUST, "How often it was handed out."},
           {"handed", API_NUMBER, API_MUST, "How often one worker handed it over to another."},
           {"too_late", API_BOOL, 0, "It is not to be run, only to be answered: its time is over."},
           {"hopeless", API_BOOL, 0, "It is too late since too many wait before it, though there is time on chain."});
const struct api_about about_tasks_poll = {.id = "pollTask",
                                           .what = "Waits for an execution that this worker can do, and leases it.",
                                           API_PARAMS(poll_params),
                                           .answers = {{200, .of = &polled_schema}, {204}}};

#define CLAIM                                                                                                          \
    {"contract_id", API_ACCOUNT, API_MUST, "Contract."},                                                               \
        {"request_id", API_NUMBER, API_MUST, "Number of the request."}, {                                              \
        "token", API_TEXT, API_MUST, "The lease's.", .max = LEASE_TOKEN_LEN                                            \
    }

API_SCHEMA(beat_schema, "Heartbeat", "The worker lives, and does this.", API_CLOSED, CLAIM,
           {"stage", API_WORD, API_NULL, "What it does.", .words = "leased building running submitting"},
           {"dead_at_ms", API_NUMBER, API_NULL, "The request was extended until then."});
API_SCHEMA(beaten_schema, "HeartbeatTaken", "The lease lasts on.", API_CLOSED,
           {"expires_in_ms", API_NUMBER, API_MUST, "From now on."});
const struct api_about about_tasks_heartbeat = {.id = "beatTask",
                                                .what = "Confirms or prolongs a lease.",
                                                .body = &beat_schema,
                                                .answers = {{200, .of = &beaten_schema}}};

#define PART_TEXT(name, says)                                                                                          \
    { name, API_TEXT, API_MUST, says, .max = ATTESTATION_TEXT_MAX }
#define PART_NUMBER(name, says)                                                                                        \
    { name, API_NUMBER, API_MUST, says, .max = REPORT_NUMBER_MAX }
API_SCHEMA(attested_limits_schema, "AttestedLimits", "What the run might use.", API_CLOSED,
           PART_NUMBER("max_instructions", "Instructions."), PART_NUMBER("max_memory_mb", "Memory in MiB."),
           PART_NUMBER("max_execution_seconds", "Seconds."));
API_SCHEMA(attestation_schema, "Attestation", "The parts of the digest that the worker has given the chain.",
           API_CLOSED, PART_TEXT("network", "Network."),
           {"data_id", API_HASH, API_MUST, "Of the yield that the worker found."}, PART_TEXT("sender_id", "Who asked."),
           PART_TEXT("repo", "Repository; of a build, as it was found."), PART_TEXT("commit", "That was built."),
           PART_TEXT("build_target", "Build target."),
           {"build_key", API_HASH, API_MUST, "Of the build; zeros: no module was had."},
           {"wasm_hash", API_HASH, API_MUST, "Of the module; likewise."},
           {"input_hash", API_HASH, API_MUST, "Of the input."},
           {"output_hash", API_HASH, API_MUST, "Of the output; zeros: there is none."},
           {"success", API_BOOL, API_MUST, "Whether it ended well."}, PART_NUMBER("instructions", "Used."),
           {"resource_limits", API_OBJECT, API_MUST, "Limits.", .of = &attested_limits_schema},
           PART_TEXT("price_list", "Which instructions cost what."),
           {"secrets_ref", API_OBJECT, API_NULL, "With whose secrets.", .of = &secrets_ref_schema},
           PART_TEXT("engine", "That ran it."), PART_TEXT("measurement", "Of the worker's machine; empty: none."),
           PART_NUMBER("block_height", "Of the request; 0: not known."));
API_SCHEMA(report_schema, "Report", "How an execution ended.", API_CLOSED, CLAIM,
           {"outcome", API_WORD, API_MUST, "In one word.", .words = "success guest_failed refused expired"},
           {"error", API_TEXT, API_NULL | API_NUL, "What went wrong; cut at 4096 bytes."},
           {"build_log", API_TEXT, API_NULL, "The end of what its build said; only where it named no secrets.",
            .max = REPORT_LOG_MAX},
           {"guest_stderr", API_TEXT, API_NULL, "The end of what the guest wrote to its standard error; likewise.",
            .max = REPORT_LOG_MAX},
           {"failure", API_TEXT, API_NULL, "Class of the failure.", .max = TASK_TEXT_MAX},
           {"instructions", API_NUMBER, API_NULL, "Used.", .max = REPORT_NUMBER_MAX},
           {"time_ms", API_NUMBER, API_NULL, "Of the run.", .max = REPORT_NUMBER_MAX},
           {"compile_time_ms", API_NUMBER, API_NULL, "Of the build.", .max = REPORT_NUMBER_MAX},
           {"peak_memory_bytes", API_NUMBER, API_NULL, "Of the run.", .max = REPORT_NUMBER_MAX},
           {"wasm_hash", API_HASH, API_NULL, "Of the module."},
           {"commit", API_TEXT, API_NULL, "That was built.", .max = TASK_TEXT_MAX},
           {"build_key", API_HASH, API_NULL, "Of the build."}, {"output_hash", API_HASH, API_NULL, "Of the output."},
           {"output_bytes", API_NUMBER, API_NULL, "Length of the output.", .max = REPORT_NUMBER_MAX},
           {"resolve_transaction", API_TEXT, API_NULL, "That answered on the chain.", .max = TASK_TEXT_MAX},
           {"charged", API_AMOUNT, API_NULL, "In yoctoNEAR."}, {"refunded", API_AMOUNT, API_NULL, "In yoctoNEAR."},
           {"attestation", API_OBJECT, API_NULL, "What the digest of the answer is made of.",
            .of = &attestation_schema});
API_SCHEMA(changed_schema, "Changed", "It is stored.", API_CLOSED,
           {"changed", API_BOOL, API_MUST, "False: it was known."});
API_SCHEMA(retried_schema, "Retried", "Others get it.", API_CLOSED, {"retried", API_BOOL, API_MUST, "Always true."},
           {"benched", API_BOOL, 0, "This worker does not get it any more."});
const struct api_about about_tasks_complete = {
    .id = "completeTask",
    .what = "Says how an execution ended. The same report again changes nothing.",
    .body = &report_schema,
    .answers = {{200, .of = &changed_schema, .or_of = &retried_schema}}};

API_SCHEMA(fail_schema, "GiveBack", "The worker cannot do it.", API_CLOSED, CLAIM,
           {"reason", API_TEXT, API_MUST, "Why."},
           {"retry", API_BOOL, API_NULL, "False: the lease is not what the chain has."});
const struct api_about about_tasks_fail = {.id = "failTask",
                                           .what = "Gives an execution back: it is queued again, after a while.",
                                           .body = &fail_schema,
                                           .answers = {{200, .of = &retried_schema, .or_of = &changed_schema}}};

API_SCHEMA(hand_over_schema, "HandOver", "The next step is for others.", API_CLOSED, CLAIM,
           {"next", API_WORD, API_MUST, "The next step.", .words = "build run"},
           {"reason", API_TEXT, API_MUST, "Why."});
const struct api_about about_tasks_hand_over = {
    .id = "handOverTask",
    .what = "Hands an execution over to workers that do its next step; no attempt has failed.",
    .body = &hand_over_schema,
    .answers = {{200, .of = &retried_schema}}};

// --- locks ---------------------------------------------------------------------------------------------------------

API_SCHEMA(acquire_schema, "LockWish", "Who wants what.", API_CLOSED,
           {"lock_key", API_TEXT, API_MUST, "Name of the lock.", .min = 1, .max = LOCK_KEY_MAX},
           {"worker_id", API_TEXT, API_NULL, "Who wants it.", .min = 1, .max = WORKER_ID_MAX},
           {"ttl_seconds", API_NUMBER, API_MUST, "For how long.", .min = 1, .max = LOCK_TTL_MAX_S});
API_SCHEMA(lock_schema, "Lock", "Who holds it now.", API_CLOSED,
           {"acquired", API_BOOL, API_MUST, "Whether it is yours."}, {"holder", API_TEXT, API_MUST, "Whose it is."},
           {"expires_in_seconds", API_NUMBER, API_MUST, "From now on."});
const struct api_about about_locks_acquire = {.id = "acquireLock",
                                              .what = "Takes a lock, or prolongs it for its holder.",
                                              .body = &acquire_schema,
                                              .answers = {{200, .of = &lock_schema}}};
static const struct api_field release_params[] = {
    {"key", API_TEXT, API_PATH, "Name of the lock, percent-encoded.", .min = 1, .max = LOCK_KEY_MAX},
    {"worker_id", API_TEXT, 0, "Who held it.", .min = 1, .max = WORKER_ID_MAX}};
API_SCHEMA(released_schema, "Released", "Nobody holds it.", API_CLOSED,
           {"released", API_BOOL, API_MUST, "False: nobody held it before."});
const struct api_about about_locks_release = {.id = "releaseLock",
                                              .what = "Lets a lock go.",
                                              API_PARAMS(release_params),
                                              .answers = {{200, .of = &released_schema}}};

// --- modules, builds -----------------------------------------------------------------------------------------------

static const struct api_field blob_path[] = {{"sha256", API_HASH, API_PATH, "SHA-256 of the bytes."}};
static const struct api_field blob_query[] = {{"sha256", API_HASH, API_MUST, "SHA-256 of the bytes."}};
API_SCHEMA(exists_schema, "Exists", "Whether it is kept.", API_CLOSED, {"exists", API_BOOL, API_MUST, "Whether it is."},
           {"size", API_NUMBER, API_MUST, "In bytes; 0 where it is not."});
API_SCHEMA(uploaded_schema, "Uploaded", "It is kept.", API_CLOSED, {"sha256", API_HASH, API_MUST, "Its name."},
           {"size", API_NUMBER, API_MUST, "In bytes."});
const struct api_about about_wasm_exists = {.id = "moduleExists",
                                            .what = "Whether a module is kept.",
                                            API_PARAMS(blob_path),
                                            .answers = {{200, .of = &exists_schema}}};
const struct api_about about_wasm_upload = {.id = "uploadModule",
                                            .what = "Keeps a module, whose bytes must have that hash.",
                                            API_PARAMS(blob_query),
                                            .body_type = "application/octet-stream",
                                            .answers = {{201, .of = &uploaded_schema}}};
const struct api_about about_wasm_get = {
    .id = "getModule", .what = "A module's bytes.", API_PARAMS(blob_path), .answers = {{200, "application/wasm"}}};
const struct api_about about_cargo_lock_upload = {
    .id = "uploadCargoLock",
    .what = "Keeps a Cargo.lock that was made for a build; its bytes must have that hash.",
    API_PARAMS(blob_query),
    .body_type = "application/octet-stream",
    .answers = {{201, .of = &uploaded_schema}}};
const struct api_about about_cargo_lock_get = {.id = "getCargoLock",
                                               .what = "A Cargo.lock that was made for a build.",
                                               API_PARAMS(blob_path),
                                               .answers = {{200, "text/plain"}}};

API_SCHEMA(build_record_schema, "BuildRecord", "Whose word it is that this module is what this commit builds to.",
           API_CLOSED, {"build_key", API_HASH, API_MUST, "Of all that the build depends on."},
           {"wasm_hash", API_HASH, API_MUST, "Of the module."},
           {"repo", API_TEXT, API_MUST, "Repository, with its folder behind //."},
           {"commit", API_TEXT, API_MUST, "Commit."}, {"target", API_TEXT, API_MUST, "Build target."},
           {"toolchain", API_TEXT, API_MUST, "With which it was built."},
           {"built_at", API_NUMBER, API_MUST, "Unix seconds."}, {"build_ms", API_NUMBER, API_MUST, "How long it took."},
           {"lock_hash", API_HASH, API_MUST, "Of the Cargo.lock that was made for it; zeros: none was."},
           {"lock_made", API_NUMBER, API_MUST, "When that was made, in Unix seconds."},
           {"public_key", API_TEXT, API_MUST, "Who signed it."},
           {"signature", API_TEXT, API_MUST, "Of SHA-256 over the fields, in base64."});
static const struct api_field build_get_params[] = {
    {"build_key", API_HASH, API_PATH, "Of the build."},
    {"all", API_BOOL, 0, "Those of all signers, not the newest alone."}};
API_SCHEMA(build_records_schema, "BuildRecords", "Of all signers, the newest first.", API_CLOSED,
           {"records", API_LIST, API_MUST, "Records.", .of = &build_record_schema});
const struct api_about about_builds_get = {
    .id = "getBuild",
    .what = "The record of a build.",
    API_PARAMS(build_get_params),
    .answers = {{200, .of = &build_record_schema, .or_of = &build_records_schema}}};
static const struct api_field build_put_params[] = {{"build_key", API_HASH, API_PATH, "Of the build."}};
API_SCHEMA(build_put_schema, "BuildStored", "It is kept.", API_CLOSED,
           {"build_key", API_HASH, API_MUST, "Of the build."});
const struct api_about about_builds_put = {.id = "putBuild",
                                           .what = "Keeps a signed record of a build.",
                                           API_PARAMS(build_put_params),
                                           .body = &build_record_schema,
                                           .answers = {{200, .of = &build_put_schema}}};

// --- workers, secrets ----------------------------------------------------------------------------------------------

API_SCHEMA(worker_says_schema, "WorkerState", "What a worker says of itself; it may say more than is named here.",
           API_PLAIN, {"worker_id", API_TEXT, API_MUST, "Its name.", .min = 1, .max = WORKER_ID_MAX},
           WORKER_SAYS(API_NULL));
API_SCHEMA(taken_schema, "Taken", "It is shown to everybody.", API_CLOSED, {"ok", API_BOOL, API_MUST, "Always true."},
           {"now_ms", API_NUMBER, API_MUST, "Now by the clock that `dead_at_ms` goes by, in Unix milliseconds."});
const struct api_about about_workers_heartbeat = {.id = "announceWorker",
                                                  .what = "What a worker says of itself, for everybody to see.",
                                                  .body = &worker_says_schema,
                                                  .answers = {{200, .of = &taken_schema}}};

// The keystore's own: docs/secrets.md.
API_SCHEMA(challenge_schema, "Challenge", "To be signed by a worker's key.", API_OPEN,
           {"challenge", API_HASH, API_MUST, "Random."},
           {"expires_in_s", API_NUMBER, API_MUST, "How long it is good."});
API_SCHEMA(keystore_question_schema, "KeystoreQuestion", "What docs/secrets.md says of this path.", API_OPEN,
           {"signature", API_TEXT, 0, "Of the worker's key, or of its session's."});
API_SCHEMA(session_schema, "KeystoreSession", "A worker's session.", API_OPEN,
           {"session_id", API_HASH, API_MUST, "Its name."}, {"expires_at", API_NUMBER, API_MUST, "Unix seconds."});
API_SCHEMA(sealed_schema, "SealedSecrets", "The secrets of one request, sealed for the session.", API_OPEN,
           {"sealed", API_TEXT, API_MUST, "In base64."});
API_SCHEMA(empty_schema, "Nothing", "No members are asked for.", API_OPEN, {"worker_id", API_TEXT, 0, "Who asks."});
const struct api_about about_secrets_challenge = {.id = "keystoreChallenge",
                                                  .what = "A challenge for a worker that opens a session.",
                                                  .passed_on = true,
                                                  .body = &empty_schema,
                                                  .answers = {{200, .of = &challenge_schema}}};
const struct api_about about_secrets_session = {.id = "keystoreSession",
                                                .what = "Opens a worker's session with the keystore.",
                                                .passed_on = true,
                                                .body = &keystore_question_schema,
                                                .answers = {{200, .of = &session_schema}}};
const struct api_about about_secrets_decrypt = {.id = "keystoreDecrypt",
                                                .what = "The secrets of a request that this worker holds.",
                                                .passed_on = true,
                                                .body = &keystore_question_schema,
                                                .answers = {{200, .of = &sealed_schema}}};
