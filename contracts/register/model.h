// SPDX-License-Identifier: Apache-2.0
// What the contract stores. Times are seconds since 1970.
//
//   STATE, CHALLENGE          one record each
//   ADVISORIES, PLATFORMS,
//   IMAGES, REGISTRARS        lists in one record each
//   'g' id                    an image; 'x' and the hash of what it asks for: its id
//   'w', 's'                  how many workers and keystores there are; with a number, one of them
//   'n' and a public key      where the key stands, or that it was removed, for ever
//   'c', FMSPCS               collateral, see collateral.c
#pragma once
#include "dcap/policy.h"
#include "protocol/contract.h"
#include "protocol/register.h"
#include "sdk/sdk.h"

#define CONTRACT_VERSION "1.0.0"
#define STATE_VERSION 1
#define REGISTER_SIZE 48 // bytes of MRTD and an RTMR

enum role { ROLE_WORKER, ROLE_KEYSTORE, ROLES };
extern const char role_words[]; // for dcap_nth

uint64_t now_s(void);
// The record that is being written: one at a time, in one place, so nothing that writes is handed it.
extern struct rec_out record;
struct rec_out *record_begin(void); // the same, empty
// 2 * n hexadecimal digits of either case; `to` may be where the text is.
bool hex_take(uint8_t *to, struct text t, size_t n);
bool plain(struct text t); // ASCII without quotes, backslashes and control characters

// --- state

struct state {
    struct account owner, next_owner; // length 0: nobody
    struct account first_registrar, main;
    uint32_t min_tcb_eval, min_qe_eval;
    uint32_t key_age_s, grace_s;
    uint32_t image_delay_s, next_image_delay_s; // the next one counts from image_delay_from on
    uint64_t image_delay_from;
    struct yocto allowance;
    uint16_t accept; // a bit for each enum dcap_status
    bool allow_plain, allow_rtmr3_only, has_registrars, has_advisories, has_platforms;
    uint32_t next_image;
    struct dcap_trust trust; // the root key, and the issuers that it was found to have signed
};
bool state_exists(void);
// The state, in one place: empty, or as it is stored; whoever loads it again has it anew.
struct state *state_blank(void);
struct state *state_load(void); // stops when the contract is not initialized, or not migrated
void state_save(const struct state *s);
uint32_t image_delay(const struct state *s); // that counts now

// Stops unless the owner calls.
struct state *owner_state(void);
bool is_registrar(const struct state *s, const struct account *a);
bool has_registrars(const struct state *s);
struct registrars { // beside the first one
    struct account account[REGISTRARS_MAX];
    uint32_t count;
};
void registrars_load(struct registrars *all);
void registrars_save(const struct registrars *all);
// Its place, or where the next one's is.
uint32_t registrar_find(const struct registrars *all, const struct account *a);

struct challenges {
    struct challenge {
        struct hash value;
        uint64_t made; // 0: there is none
    } now, before;
};
struct challenges challenges_load(void);
void challenges_save(const struct challenges *c);

// --- images

enum image_kind {
    IMAGE_EXACT,   // all five registers
    IMAGE_COMPOSE, // RTMR3's events show the compose hash
    IMAGE_RTMR3    // RTMR3 alone
};
struct image {
    uint32_t id;
    uint8_t role, kind;
    uint64_t active_from, expires_at; // expires_at 0: never
    struct text name;
    uint8_t mrtd[REGISTER_SIZE], rtmr1[REGISTER_SIZE], rtmr2[REGISTER_SIZE];
    uint8_t rtmr0[IMAGE_SHAPES_MAX][REGISTER_SIZE], shapes;
    uint8_t rtmr3[REGISTER_SIZE]; // EXACT, RTMR3
    struct hash compose_hash;     // COMPOSE
    struct maybe_hash provider;   // SHA-256 of the key provider's event
};
// The image that asks for the same, with this one of its shapes.
bool image_find(const struct image *wanted, unsigned shape, uint32_t *id);
// Texts point into a buffer that the next load of whatever record overwrites. false: there is none.
bool image_load(uint32_t id, struct image *g);
bool image_counts(uint32_t id); // it is approved and has not expired
void image_save(const struct image *g);
void image_remove(const struct image *g);
struct image_ids {
    uint32_t id[IMAGES_MAX], count;
};
void images_load(struct image_ids *all);

// --- keys

struct key_record {
    struct public_key key;
    uint8_t role;
    uint32_t image;
    uint64_t registered_at, renewed_at, valid_until;
    uint64_t failing_since; // 0: it does not fail
    uint8_t rtmr3[REGISTER_SIZE];
    struct dcap_platform platform; // all that collateral judges
    struct hash platform_id;       // SHA-256 of the PPID
    uint8_t status;                // enum dcap_status, as it was judged last
    uint64_t tcb_date;
    uint32_t tcb_eval;
    struct hash transport_key, master_check; // of keystores
    struct account payer;                    // of its storage; length 0: this contract
    uint32_t paid_bytes;
};
enum place_kind { PLACE_NONE, PLACE_THERE, PLACE_REMOVED };
struct key_place {
    uint8_t kind, role; // enum place_kind, enum role
    uint16_t unused;
    uint32_t number;
};
struct key_place key_find(const struct public_key *key);
uint32_t keys_count(enum role role);
// The record, in one place: empty, or as it is stored; the next one that is loaded takes its place.
struct key_record *key_blank(void);
struct key_record *key_load(enum role role, uint32_t number);
void key_save(struct key_place at, const struct key_record *k);
struct key_place key_append(const struct key_record *k);
// The last key of the role takes its number. Its name stays taken.
void key_bury(struct key_place at, const struct public_key *key);
