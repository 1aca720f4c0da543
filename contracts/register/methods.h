// SPDX-License-Identifier: Apache-2.0
// The contract's interface, in one table: from it come the decoding of arguments (args.c), the near-abi JSON and the
// page docs/register.md (abi/).
#pragma once

// --- arguments: A(name, type, member of struct args, what it means). The types' decoders are in args.c.
// clang-format off
#define ARGUMENTS(A) \
    A(owner_id, ACCOUNT, owner_id, "the contract's owner") \
    A(new_owner_id, ACCOUNT, owner_id, "who is to accept; the owner itself takes an offer back") \
    A(new_owner, ACCOUNT, owner_id, "the same") \
    A(account_id, ACCOUNT, account_id, "an account") \
    A(init_worker_account, ACCOUNT, worker_id, "the first registrar; without one and without others anybody may register, who pays for the storage") \
    A(outlayer_contract_id, ACCOUNT, main_id, "the contract that workers answer") \
    A(min_tcb_eval, MAYBE_U32, min_tcb_eval, "lowest tcbEvaluationDataNumber of TCB infos that counts") \
    A(min_qe_eval, MAYBE_U32, min_qe_eval, "the same of QE identities") \
    A(root_public_key, TEXT, root_public_key, "another root key than Intel's: x and y, 128 hexadecimal digits; never on mainnet and testnet") \
    A(public_key, TEXT, public_key, "ed25519:…") \
    A(tdx_quote_hex, TEXT, quote, "the quote, in hexadecimal digits or base64") \
    A(tdx_quote, TEXT, quote, "the same") \
    A(event_log, DOCUMENT, event_log, "RTMR3's events, as an object or its text: where the image is approved by its compose hash") \
    A(collateral, DOCUMENT, collateral, "the nine members as an object or its text, or some of them that can be verified") \
    A(transport_key, MAYBE_HASH, transport_key, "X25519 key that the quote binds") \
    A(master_check, MAYBE_HASH, master_check, "check of the master secret that the quote binds") \
    A(public_keys, RAW, public_keys, "keys; those that are not registered are passed over") \
    A(from_index, MAYBE_U64, from_index, "entries to leave out; default 0") \
    A(limit, MAYBE_U64, limit, "at most so many; default: as many as one call can do") \
    A(measurements, MEASUREMENTS, mrtd, "all five registers") \
    A(clear_others, BOOL, clear_others, "removes all other images of this role") \
    A(role, ROLE, role, "default worker") \
    A(name, TEXT, name, "for people, up to 64 ASCII characters") \
    A(mrtd, REGISTER, mrtd, "measurement of the firmware") \
    A(rtmr0, REGISTERS, rtmr0, "measurement of the virtual machine; of an image up to 8 of them in an array") \
    A(rtmr1, REGISTER, rtmr1, "measurement of the kernel") \
    A(rtmr2, REGISTER, rtmr2, "measurement of command line, initrd and root file system") \
    A(rtmr3, REGISTER, rtmr3, "measurement of the application, different on each machine") \
    A(compose_hash, MAYBE_HASH, compose_hash, "SHA-256 of the compose file, which an event log has to show") \
    A(key_provider, MAYBE_HASH, key_provider, "SHA-256 of the key-provider event's payload, which it has to show, too") \
    A(expires_at, MAYBE_U64, expires_at, "when it stops counting, in seconds since 1970; default never") \
    A(image_id, MAYBE_U64, image_id, "names an image") \
    A(remove_keys, BOOL, remove_keys, "removes its keys at once, as many as one call can; recheck_keys removes the others") \
    A(accept, RAW, accept, "TCB statuses that are accepted, as Intel spells them") \
    A(advisories, RAW, advisories, "ids of advisories that are accepted") \
    A(platforms, RAW, platforms, "platform ids, of which a quote has to be; none: of any") \
    A(key_age_s, MAYBE_U64, key_age_s, "for how long a key is registered") \
    A(grace_s, MAYBE_U64, grace_s, "for how long it stays when its platform is not accepted any more") \
    A(image_delay_s, MAYBE_U64, image_delay_s, "how long after its approval a keystore's image counts; a shorter delay begins after the old one") \
    A(allowance, MAYBE_YOCTO, allowance, "what a key's calls may burn") \
    A(allow_plain_report_data, MAYBE_BOOL, allow_plain, "whether a quote of the bare key counts, without a challenge") \
    A(allow_rtmr3_only, MAYBE_BOOL, allow_rtmr3_only, "whether RTMR3 alone can be approved") \
    A(fmspc, TEXT, fmspc, "kind of a platform, 12 hexadecimal digits") \
    A(at, MAYBE_U64, at, "when, in seconds since 1970; default now") \
    A(code_hash, MAYBE_HASH, code_hash, "SHA-256 of the new code; null: the version before did not say")

// Members of objects; unknown ones are read over. R: required, O: may be missing or null.
#define OBJECTS(X) \
    X(MEASUREMENTS, R(mrtd) R(rtmr0) R(rtmr1) R(rtmr2) R(rtmr3))

// --- methods: M(kind, name, arguments, who may call, result, what it does). A result with ? may be null.
#define PAGE O(from_index) O(limit)
#define QUOTED O(event_log) O(collateral)
#define METHODS(M) \
    M(CALL, new, R(owner_id) O(init_worker_account) R(outlayer_contract_id) R(min_tcb_eval) R(min_qe_eval) O(root_public_key), \
        "anybody, once", "nothing", "sets the contract up") \
    M(CALL, new_challenge, , "anybody", "challenge", "the challenge that a quote has to bind; a new one when the last is 300 s old") \
    M(PAYABLE, register_worker_key, R(public_key) R(tdx_quote_hex) QUOTED, "registrars; anybody with a deposit where there is none", \
        "nothing", "registers the key that the quote binds, or renews it, and gives it its rights") \
    M(PAYABLE, register_worker, R(public_key) R(tdx_quote) QUOTED, "the same", "nothing", "the same") \
    M(PAYABLE, register_keystore, R(public_key) R(transport_key) R(master_check) R(tdx_quote_hex) QUOTED, "the same", "nothing", \
        "registers a keystore's identity, or renews it; it gets no rights") \
    M(PAYABLE, update_collateral, R(collateral), "anybody; who is neither owner nor registrar pays for what the storage grows", "nothing", \
        "verifies the parts and keeps those that are newer") \
    M(CALL, recheck_keys, PAGE, "anybody", "walk", "judges keys by today's collateral and removes those that fail") \
    M(CALL, remove_expired, PAGE, "anybody", "walk", "removes keys that have expired") \
    M(CALL, remove_worker_keys, R(public_keys), "owner, registrars", "removal", "removes keys, as many as one call can; the rest is for the next one") \
    M(CALL, add_approved_measurements, R(measurements) O(clear_others) O(role) O(name), "owner", "U64", "approves an image by all its registers") \
    M(CALL, add_image, R(name) R(role) R(mrtd) R(rtmr0) R(rtmr1) R(rtmr2) R(compose_hash) O(key_provider) O(expires_at), "owner", "U64", \
        "approves an image by its compose hash") \
    M(CALL, remove_approved_measurements, R(measurements) O(role) O(remove_keys), "owner", "nothing", "takes back add_approved_measurements") \
    M(CALL, remove_image, R(image_id) O(remove_keys), "owner", "nothing", "takes back an approval") \
    M(CALL, clear_all_approved_measurements, O(remove_keys), "owner", "nothing", "takes back all") \
    M(CALL, add_approved_rtmr3, R(rtmr3), "owner, where the policy has allow_rtmr3_only", "nothing", \
        "approves worker images by RTMR3 alone, which says nothing of firmware and kernel") \
    M(CALL, remove_approved_rtmr3, R(rtmr3), "owner", "nothing", "takes it back") \
    M(CALL, set_policy, O(accept) O(advisories) O(min_tcb_eval) O(min_qe_eval) O(key_age_s) O(grace_s) O(image_delay_s) O(platforms) \
        O(allowance) O(allow_plain_report_data) O(allow_rtmr3_only), "owner", "nothing", "changes what is given") \
    M(CALL, set_init_worker_account, O(init_worker_account), "owner", "nothing", "changes the first registrar; null: none") \
    M(CALL, add_registrar, R(account_id), "owner", "nothing", "one more registrar, up to 16") \
    M(CALL, remove_registrar, R(account_id), "owner", "nothing", "takes it back") \
    M(CALL, set_outlayer_contract, R(outlayer_contract_id), "owner", "nothing", "changes whom new keys answer and quotes name") \
    M(CALL, set_owner, R(new_owner_id), "owner", "nothing", "offers the ownership, which accept_owner takes") \
    M(CALL, transfer_ownership, R(new_owner), "owner", "nothing", "the same under the reference's name") \
    M(CALL, accept_owner, , "whom set_owner named", "nothing", "becomes the owner") \
    M(CALL, upgrade, , "owner", "nothing", "the input is the code of the next version, which is deployed and migrated; takes 300 Tgas") \
    M(CALLBACK, migrate, O(code_hash), "this contract", "nothing", "brings what an older version stored to this one") \
    M(VIEW, get_challenge, , "view", "challenge?", "the challenge that counts now, else null") \
    M(VIEW, get_worker, O(rtmr3) O(public_key), "view", "key?", "the worker of this key, or the newest active one of this RTMR3, else null") \
    M(VIEW, get_workers, PAGE, "view", "[key]", "workers") \
    M(VIEW, get_keystore, R(public_key), "view", "key?", "the keystore of this key, else null") \
    M(VIEW, get_keystores, PAGE, "view", "[key]", "keystores") \
    M(VIEW, get_collateral, O(fmspc), "view", "collateral", "parts that are kept, those of TCB infos of this platform alone") \
    M(VIEW, get_collateral_status, , "view", "collateral_status", "the days that each part in force has left") \
    M(VIEW, get_approved_measurements, PAGE, "view", "measurements", "images that are approved by all registers") \
    M(VIEW, is_measurements_approved, R(measurements) O(role), "view", "BOOL", "whether these are") \
    M(VIEW, get_approved_rtmr3, , "view", "texts", "RTMR3 values that are approved alone") \
    M(VIEW, is_rtmr3_approved, R(rtmr3), "view", "BOOL", "whether this one is, and the policy lets it count") \
    M(VIEW, get_images, PAGE, "view", "images", "all that is approved") \
    M(VIEW, get_init_worker_account, , "view", "ACCOUNT?", "the first registrar") \
    M(VIEW, get_policy, , "view", "policy", "what is accepted") \
    M(VIEW, get_config, , "view", "config", "accounts and the root key") \
    M(VIEW, get_version, , "view", "version", "of the contract and of what it stores") \
    M(VIEW, contract_source_metadata, , "view", "metadata", "NEP-330") \
    M(VIEW, check_quote, O(public_key) R(tdx_quote_hex) QUOTED O(at), "view", "verdict", \
        "all that a quote says and whether it would be registered; what an owner reads before approving")
// clang-format on
