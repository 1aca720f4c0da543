// SPDX-License-Identifier: Apache-2.0
// Collateral: verified parts in slots. A slot is a kind, and of what: the root's list, the lists of two authorities,
// the QE identity of TDX, TCB infos by FMSPC. The last two are kept by evaluation number, two at a time; in force is
// the lowest kept number from the owner's minimum on, so that nobody but the owner moves the fleet to a newer set. A
// set that has expired makes room: else whoever brings an old one would stop the fleet on the day that it ends.
#pragma once
#include "dcap/collateral.h"
#include "events.h"
#include "policy.h"

// Memory of the verification; one call's.
struct dcap_arena *arena(void);
// What the verifier said was wrong last. All of a call have this one place, so the linker knows it and no function of
// the verifier is handed it.
extern struct dcap_fault fault;

// A slot is a kind, and of what: FMSPC, or the authority in the first byte.
struct slot {
    uint8_t kind; // enum dcap_kind
    uint8_t id[6];
};
#define PARTS 4
// What a call brings, and its parts once they are verified; {NULL, 0} are those that it does not have.
struct given {
    struct dcap_collateral from;
    struct bytes part[PARTS]; // in the order of enum dcap_kind; none after collateral_keep
};
extern struct given given;
// The parts for a platform: those that are given, and of others those in force, into the arena. False with
// PART_MISSING, named after the first that is not there.
bool parts_load(struct dcap_parts *parts, const struct state *s, const uint8_t fmspc[6], uint8_t ca);
// The object (NULL: none) becomes what is given. False at what cannot be read or verified at `now`. Where it has no
// list of the root's, the kept one serves. The texts become other bytes.
bool collateral_verify(struct text object, struct dcap_trust *trust, uint64_t now);
// Stops with words about what is wrong with collateral: the fault.
_Noreturn void collateral_refuse(void);
// Keeps what is given and newer. `strict`: stops at a part that is older than the known one or aside of the kept sets;
// else these are passed over.
void collateral_keep(const struct state *s, bool strict);
// The caller pays for so many bytes of storage: stops with words about what costs them, or gives back what is beyond.
void charge(uint64_t bytes, const char *what);
uint64_t grown(uint64_t before); // bytes of storage since then
