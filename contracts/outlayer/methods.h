// SPDX-License-Identifier: Apache-2.0
// The contract's interface, in one table: from it come the decoding of arguments (args.c), the near-abi JSON and the
// page docs/contract.md (abi/).
#pragma once

// --- arguments: A(name, type, member of struct args, what it means). The types' decoders are in args.c.
// clang-format off
#define ARGUMENTS(A) \
    A(request_id, MAYBE_U64, request_id, "names a request") \
    A(code_source, CODE_SOURCE, repo, "what is to be run") \
    A(repo, TEXT, repo, "of code_source: as docs/repositories.md says; of secrets: host/owner/name") \
    A(commit, TEXT, commit, "a commit, branch or tag") \
    A(build_target, TEXT, build_target, "such as wasm32-wasip1; without it the worker's default") \
    A(resource_limits, RESOURCE_LIMITS, limits, "what the execution may use at most; this is what must be paid for") \
    A(max_instructions, MAYBE_U64, limits.max_instructions, "default 1000000000, at most 100000000000") \
    A(max_memory_mb, MAYBE_U32, limits.max_memory_mb, "default 128, at most 1024") \
    A(max_execution_seconds, MAYBE_U64, limits.max_execution_seconds, "default 60, at most 60") \
    A(input_data, INPUT, input_data, "the program's standard input, without NUL characters") \
    A(secrets_ref, SECRETS_REF, profile, "the secrets that the program finds in its environment") \
    A(profile, TEXT, profile, "1 to 64 of A-Z a-z 0-9 - _") \
    A(account_id, ACCOUNT, account_id, "an account") \
    A(response_format, FORMAT, response_format, "how the output is to be taken; default Text") \
    A(payer_account_id, ACCOUNT, payer_account_id, "who gets the refund; default: the caller") \
    A(sender_id, ACCOUNT, sender_id, "who made the request") \
    A(result_envelope, BOOL, result_envelope, "the caller gets {success, output, error, failure, resources_used}") \
    A(response, RESPONSE, answer, "the worker's answer") \
    A(success, BOOL, answer.success, "whether the program ended well") \
    A(output, OUTPUT, answer.output, "what it wrote") \
    A(error, TEXT, answer.error, "why not; the first 512 bytes are kept") \
    A(resources_used, RESOURCES_USED, answer.resources_used, "what it used, which is what is charged") \
    A(instructions, U64, answer.resources_used.instructions, "instructions that were run") \
    A(time_ms, U64, answer.resources_used.time_ms, "time of the run") \
    A(compile_time_ms, MAYBE_U64, answer.resources_used.compile_time_ms, "time of the build; null: none was needed") \
    A(compilation_note, TEXT, answer.compilation_note, "the first 192 bytes are kept") \
    A(failure, FAILURE, answer.failure, "whose failure it is; platform is not charged; default guest") \
    A(wasm_hash, MAYBE_HASH, answer.wasm_hash, "SHA-256 of the module that was run, in hexadecimal digits") \
    A(attestation_digest, MAYBE_HASH, answer.attestation_digest, "digest of the worker's attestation") \
    A(owner_id, ACCOUNT, owner_id, "the contract's owner") \
    A(operator_id, ACCOUNT, operator_id, "the first operator; default: the owner") \
    A(new_owner_id, ACCOUNT, owner_id, "who is to accept; the owner itself takes an offer back") \
    A(new_operator_id, ACCOUNT, operator_id, "takes the first operator's place") \
    A(base_fee, MAYBE_YOCTO, prices[0], "of each execution") \
    A(per_million_instructions_fee, MAYBE_YOCTO, prices[1], "of a million instructions") \
    A(per_ms_fee, MAYBE_YOCTO, prices[2], "of a millisecond of running") \
    A(per_compile_ms_fee, MAYBE_YOCTO, prices[3], "of a millisecond of building") \
    A(paused, BOOL, paused, "whether requests are refused") \
    A(amount, MAYBE_YOCTO, amount, "default: all") \
    A(public_key, KEY, public_key, "ed25519:…; null: none") \
    A(code_hash, MAYBE_HASH, code_hash, "SHA-256 of the new code; null: the version before did not say") \
    A(from_index, MAYBE_U64, from_index, "entries to leave out; of get_pending_request_ids: the first id; default 0") \
    A(limit, MAYBE_U64, limit, "at most so many; default: all, of requests 100") \
    A(branch, TEXT, branch, "a branch of the repository; null: any that has no secrets of its own") \
    A(encrypted_secrets_base64, TEXT, encrypted_secrets_base64, "sealed for the keystore") \
    A(access, RAW, access, "who may use them: a condition of access") \
    A(new_access, RAW, access, "who may use them from now on") \
    A(owner, ACCOUNT, account_id, "whose secrets") \
    A(_repo, TEXT, repo, "host/owner/name") \
    A(_branch, TEXT, branch, "only rows of this branch")

// Members of objects; unknown ones are read over. R: required, O: may be missing or null.
#define OBJECTS(X) \
    X(CODE_SOURCE, R(repo) R(commit) O(build_target)) \
    X(RESOURCE_LIMITS, O(max_instructions) O(max_memory_mb) O(max_execution_seconds)) \
    X(SECRETS_REF, R(profile) R(account_id)) \
    X(RESOURCES_USED, R(instructions) R(time_ms) O(compile_time_ms)) \
    X(RESPONSE, ANSWER_MEMBERS O(output))
#define ANSWER_MEMBERS \
    R(success) O(error) R(resources_used) O(compilation_note) O(failure) O(wasm_hash) O(attestation_digest)

// --- methods: M(kind, name, arguments, who may call, result, what it does). A result with ? may be null.
#define SECRET_NAME R(repo) O(branch) R(profile)
#define PAGE O(from_index) O(limit)
#define METHODS(M) \
    M(CALL, new, R(owner_id) O(operator_id), "anybody, once", "nothing", "sets the contract up") \
    M(PAYABLE, request_execution, R(code_source) O(resource_limits) O(input_data) O(secrets_ref) O(response_format) \
        O(payer_account_id) O(result_envelope), "anybody, with a deposit", "output", \
        "asks for an execution; the call answers with its output, null when it failed") \
    M(CALL, cancel_stale_execution, R(request_id), "anybody", "nothing", \
        "ends a request that has waited for 600 s since it was made or extended") \
    M(CALL, submit_execution_output, R(request_id) R(output), "operators", "nothing", "stores a large output") \
    M(CALL, submit_execution_output_and_resolve, R(request_id) R(output) ANSWER_MEMBERS, "operators", "nothing", \
        "stores a large output and answers with it") \
    M(CALL, resolve_execution, R(request_id) R(response), "operators", "nothing", "answers a request") \
    M(CALL, extend_execution, R(request_id), "operators", "nothing", \
        "gives a request another 200 blocks, up to 10 times and as long as its caller's gas lasts") \
    M(CALLBACK, on_execution_response, R(request_id) O(result_envelope), "this contract", "output", "ends a request") \
    M(CALLBACK, on_refund_transferred, O(request_id) R(payer_account_id) R(sender_id) R(amount), "this contract", \
        "nothing", "keeps a refund that came back") \
    M(CALL, claim_refund, O(account_id), "anybody", "nothing", "pays a kept refund to the account; default: the caller's") \
    M(PAYABLE, store_secrets, SECRET_NAME R(encrypted_secrets_base64) R(access), "anybody, with a deposit", "nothing", \
        "stores the caller's sealed secrets; what the storage does not need is returned") \
    M(CALL, delete_secrets, SECRET_NAME, "their owner", "nothing", "removes them and returns what their storage bound") \
    M(PAYABLE, update_access, SECRET_NAME R(new_access), "their owner, with a deposit", "nothing", \
        "changes who may use them; pays or returns the difference") \
    M(CALL, set_owner, R(new_owner_id), "owner", "nothing", "offers the ownership, which accept_owner takes") \
    M(CALL, accept_owner, , "whom set_owner named", "nothing", "becomes the owner") \
    M(CALL, set_operator, R(new_operator_id), "owner", "nothing", "replaces the first operator") \
    M(CALL, add_operator, R(account_id), "owner", "nothing", "one more operator, up to 64 beside the first") \
    M(CALL, remove_operator, R(account_id), "owner", "nothing", "takes back add_operator") \
    M(CALL, set_paused, R(paused), "owner", "nothing", "refuses new requests; secrets and answers go on") \
    M(CALL, set_pricing, O(base_fee) O(per_million_instructions_fee) O(per_ms_fee) O(per_compile_ms_fee), "owner", \
        "nothing", "changes the prices that are given, for requests from now on") \
    M(CALL, set_keystore_key, R(public_key), "owner", "nothing", "publishes the keystore's identity") \
    M(CALL, withdraw_fees, O(amount), "owner", "nothing", "pays earned fees to the owner") \
    M(CALL, emergency_cancel_execution, R(request_id), "owner", "nothing", "ends a request and returns its payment") \
    M(CALL, clear_all_pending_requests, O(limit), "owner", "U64", \
        "does so with the oldest requests, as many as one call can log, and says how many") \
    M(CALL, upgrade, , "owner", "nothing", "the input is the code of the next version, which is deployed and migrated; takes 300 Tgas") \
    M(CALLBACK, migrate, O(code_hash), "this contract", "nothing", "brings what an older version stored to this one") \
    M(VIEW, get_request, R(request_id), "view", "request?", "a pending request, else null") \
    M(VIEW, get_pending_request_ids, PAGE, "view", "[U64]", \
        "ids of pending requests in order, among 1000 from the first one on: get_open_range says where to go on") \
    M(VIEW, get_open_range, , "view", "range", "pending requests have ids from the first number on, below the second") \
    M(VIEW, get_pending_output, R(request_id), "view", "OUTPUT?", "a stored output, else null") \
    M(VIEW, has_pending_output, R(request_id), "view", "BOOL", "whether there is one") \
    M(VIEW, get_claimable, R(account_id), "view", "YOCTO", "what claim_refund would pay") \
    M(VIEW, get_stats, , "view", "stats", "executions that have ended, cancelled ones not counted, and fees charged so far") \
    M(VIEW, get_pricing, , "view", "prices", "base, per million instructions, per ms, per ms of building") \
    M(VIEW, estimate_execution_cost, O(resource_limits), "view", "YOCTO", "what must be attached; more buys build time") \
    M(VIEW, get_max_limits, , "view", "limits", "most instructions, seconds of running, seconds of building") \
    M(VIEW, get_memory_limit, , "view", "U64", "most megabytes of memory") \
    M(VIEW, is_paused, , "view", "BOOL", "whether requests are refused") \
    M(VIEW, get_config, , "view", "[ACCOUNT]", "owner and first operator") \
    M(VIEW, get_operators, PAGE, "view", "[ACCOUNT]", "the first operator and all others") \
    M(VIEW, is_operator, R(account_id), "view", "BOOL", "whether the account is one of them") \
    M(VIEW, get_keystore_key, , "view", "TEXT?", "the keystore's identity, else null") \
    M(VIEW, get_secrets, SECRET_NAME R(owner), "view", "secrets?", \
        "the row of the branch, else the one without a branch, else null") \
    M(VIEW, secrets_exist, SECRET_NAME R(owner), "view", "BOOL", "whether there is exactly this row") \
    M(VIEW, count_secret_branches, SECRET_NAME R(owner), "view", "U64", "rows of this profile that have a branch") \
    M(VIEW, list_user_secrets, R(account_id) PAGE, "view", "user_secrets", "the account's rows, without ciphertexts") \
    M(VIEW, list_profiles, R(_repo) O(_branch) PAGE, "view", "profiles", \
        "rows of a repository; a page counts them before those of other branches are left out") \
    M(VIEW, estimate_storage_cost, SECRET_NAME R(owner) R(encrypted_secrets_base64) R(access), "view", "YOCTO", \
        "what storing binds; what is there already counts towards it") \
    M(VIEW, get_version, , "view", "version", "of the contract and of what it stores") \
    M(VIEW, contract_source_metadata, , "view", "metadata", "NEP-330")
// clang-format on
