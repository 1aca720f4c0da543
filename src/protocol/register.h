// SPDX-License-Identifier: Apache-2.0
// What the register contract and the programs around it have to agree on: names of methods and events, times, and
// refusals that a program tells apart. The contract (contracts/register) and the programs include this one file; it
// needs nothing else.
#pragma once

// --- methods that programs call

#define METHOD_NEW_CHALLENGE "new_challenge"
#define METHOD_REGISTER_WORKER_KEY "register_worker_key"
#define METHOD_UPDATE_COLLATERAL "update_collateral"
#define METHOD_RECHECK_KEYS "recheck_keys"
#define METHOD_REMOVE_EXPIRED "remove_expired"
#define METHOD_REMOVE_WORKER_KEYS "remove_worker_keys"
#define METHOD_ADD_MEASUREMENTS "add_approved_measurements"
#define METHOD_ADD_IMAGE "add_image"

#define VIEW_CHALLENGE "get_challenge"
#define VIEW_WORKER "get_worker"
#define VIEW_WORKERS "get_workers"
#define VIEW_KEYSTORES "get_keystores"
#define VIEW_COLLATERAL "get_collateral"
#define VIEW_COLLATERAL_STATUS "get_collateral_status"
#define VIEW_REGISTER_CONFIG "get_config"
#define VIEW_CHECK_QUOTE "check_quote"

// --- events (NEP-297, standard near-outlayer)

#define EVENT_WORKER_REGISTERED "worker_registered"
#define EVENT_WORKER_RENEWED "worker_renewed"
#define EVENT_KEYSTORE_REGISTERED "keystore_registered"
#define EVENT_KEY_REMOVED "key_removed"
#define EVENT_KEY_FAILING "key_failing"
#define EVENT_COLLATERAL_UPDATED "collateral_updated"
#define EVENT_IMAGE_ADDED "image_added"
#define EVENT_IMAGE_REMOVED "image_removed"

// --- times, in seconds

#define CHALLENGE_RENEW_S 300u  // new_challenge makes another one when the current one is this old
#define CHALLENGE_VALID_S 900u  // the current one and the one before count for so long
#define KEY_AGE_S (14u * 86400) // a key's validity where the owner says nothing; renewed at two thirds
#define GRACE_S (3u * 86400)    // how long a key lives whose platform is not accepted any more
#define KEY_AGE_MAX_S (90u * 86400)

// --- caps

#define REGISTRARS_MAX 16  // beside the first one
#define IMAGES_MAX 128     // approved at once
#define IMAGE_SHAPES_MAX 8 // RTMR0 values of one image
#define IMAGE_NAME_MAX 64  // bytes
#define POLICY_ADVISORIES_MAX 64
#define POLICY_PLATFORMS_MAX 200
#define PLATFORM_KINDS_MAX 64       // FMSPCs whose TCB info is kept
#define SETS_KEPT 2                 // TCB infos of one FMSPC, and identities of the quoting enclave
#define VERIFIER_BYTES (160 * 1024) // memory for one verification, and so for an event log

// --- refusals that a program tells apart

#define REFUSED_CHALLENGE "The quote binds no challenge of this contract that is at most 900 s old"
#define REFUSED_REPORT_DATA "Public key mismatch: provided key doesn't match TDX quote report_data"
#define REFUSED_REMOVED "This key was removed and is never registered again; make a new one"
#define REFUSED_COLLATERAL "Quote collateral required (cache via update_collateral)"
#define REFUSED_QUOTE "TDX quote verification failed - invalid signature or expired TCB: "
