// SPDX-License-Identifier: Apache-2.0
// What the contract and the programs around it have to agree on: names of methods and events, limits and defaults,
// refusals that a program tells apart, and the members of a request as its event and its view show them. The contract
// (contracts/outlayer) and the programs include this one file; it needs nothing else.
#pragma once

// --- methods that programs call

#define METHOD_REQUEST "request_execution"
#define METHOD_RESOLVE "resolve_execution"
#define METHOD_SUBMIT "submit_execution_output"
#define METHOD_SUBMIT_AND_RESOLVE "submit_execution_output_and_resolve"
#define METHOD_EXTEND "extend_execution"
#define METHOD_CANCEL_STALE "cancel_stale_execution"
// What a worker's function-call key is made for; METHOD_RESOLVE alone decides whether a key may answer.
#define WORKER_METHODS(M)                                                                                              \
    M(METHOD_RESOLVE) M(METHOD_SUBMIT) M(METHOD_SUBMIT_AND_RESOLVE) M(METHOD_EXTEND) M(METHOD_CANCEL_STALE)

#define VIEW_REQUEST "get_request"
#define VIEW_PENDING "get_pending_request_ids"
#define VIEW_OPEN_RANGE "get_open_range"
#define VIEW_PRICING "get_pricing"
#define VIEW_MAX_LIMITS "get_max_limits"
#define VIEW_MEMORY_LIMIT "get_memory_limit"
#define VIEW_CONFIG "get_config"
#define VIEW_OPERATORS "get_operators"
#define VIEW_IS_OPERATOR "is_operator"
#define VIEW_KEYSTORE_KEY "get_keystore_key"
#define VIEW_SECRETS "get_secrets"
#define VIEW_SECRET_BRANCHES "count_secret_branches"

// --- events (NEP-297)

#define EVENT_PREFIX "EVENT_JSON:"
#define EVENT_STANDARD "near-outlayer"
#define EVENT_VERSION "1.0.0" // readers take every 1.x
#define EVENT_NAME_REQUESTED "execution_requested"
#define EVENT_NAME_COMPLETED "execution_completed"
#define EVENT_NAME_EXTENDED "execution_extended"
#define EVENT_NAME_CANCELLED "execution_cancelled"

// --- limits and defaults of a request

#define DEFAULT_BUILD_TARGET "wasm32-wasip1" // of a code_source that names none
#define DEFAULT_INSTRUCTIONS 1000000000ull
#define DEFAULT_MEMORY_MB 128u
#define DEFAULT_EXECUTION_SECONDS 60u
#define MAX_INSTRUCTIONS 100000000000ull
#define MAX_MEMORY_MB 1024u
#define MAX_EXECUTION_SECONDS 60u

// How long a build may take, of what was paid beyond the price of the limits.
#define MIN_BUILD_SECONDS 10u
#define MAX_BUILD_SECONDS 300u
#define STALE_SECONDS 600u  // since the request or its last extension: then anybody may cancel what is still open
#define YIELD_BLOCKS 200u   // after which a request that nobody answered ends by itself
#define WINDOW_SECONDS 100u // these blocks at 0.6 s, without what fetching and answering take
#define MORE_SECONDS 80u    // an extension's 200 blocks begin when 60 are left

// --- answers

#define ANSWER_ERROR_MAX 512              // bytes of an error text that are kept
#define ANSWER_NOTE_MAX 192               // bytes of a compilation note that are kept
#define ANSWER_INLINE_MAX 1024            // bytes of the payload that resumes a yield
#define ANSWER_RETURNED_MAX (384u * 1024) // bytes of an output as the callback returns it
#define OPERATORS_MAX 64                  // beside the first one

// --- refusals that a program tells apart; where there is a %, the contract puts a number

#define REFUSED_NOT_FOUND "Execution request not found"
#define REFUSED_ANSWERED "Execution request has already been answered"
#define REFUSED_EXTENDING "Execution request is being extended: try again in a block"
#define REFUSED_RESUME "Unable to resume execution promise"
#define REFUSED_OUTPUT_TAIL "can be handed to a callback"
#define REFUSED_OUTPUT "The output is % bytes long as JSON; at most % " REFUSED_OUTPUT_TAIL
#define REFUSED_STAKE_PART "what is stored until the request ends needs"
#define REFUSED_STAKE "Insufficient payment: " REFUSED_STAKE_PART " % yoctoNEAR, got %"

// --- a request, as execution_requested (its request_data) and get_request show it

// F(kind, name): a member; L(kind, name, value): a limit, and what is meant where it is null. Kinds: U32, U64, ACCOUNT,
// TEXT, and MAYBE_TEXT that may be null.
#define SENDER_MEMBER(F) F(ACCOUNT, sender_id)
#define CODE_SOURCE_MEMBERS(F) F(TEXT, repo) F(TEXT, commit) F(MAYBE_TEXT, build_target)
#define RESOURCE_LIMITS_MEMBERS(L)                                                                                     \
    L(U64, max_instructions, DEFAULT_INSTRUCTIONS)                                                                     \
    L(U32, max_memory_mb, DEFAULT_MEMORY_MB)                                                                           \
    L(U64, max_execution_seconds, DEFAULT_EXECUTION_SECONDS)
#define SECRETS_REF_MEMBERS(F) F(TEXT, profile) F(ACCOUNT, account_id)
#define RESPONSE_FORMATS(X) X(BYTES, "Bytes") X(TEXT, "Text") X(JSON, "Json") // Text where none is given
#define X(name, text) FORMAT_##name,
enum response_format { RESPONSE_FORMATS(X) };
#undef X
