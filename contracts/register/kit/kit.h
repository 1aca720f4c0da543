// SPDX-License-Identifier: Apache-2.0
// What the contract's unit tests share: a deployed contract under the test PKI's root, and registrations.
#pragma once
#include "kit/check.h"
#include "protocol/register.h"
#include "register/kit/sample.h"

#define SELF "worker.outlayer.near"
#define MAIN "outlayer.near"
#define OWNER "owner.near"
#define REGISTRAR "registrar.near"
#define ALICE "alice.near"
#define CHAIN "devnet"
#define NEAR (1000 * MILLI_NEAR)
#define DAY_S 86400

int deployed(void **state); // cmocka setup: new world, `new` called with the test root and REGISTRAR
int ended(void **state);    // cmocka teardown
#define TEST(f) cmocka_unit_test_setup_teardown(f, deployed, ended)

int64_t seconds(void);                // of the mock's clock
void passes(uint64_t seconds);        // time does, and the seed becomes another one
const char *key_text(uint8_t number); // "ed25519:…" of 32 bytes of this value
const char *register_hex(unsigned i); // of sample_registers
const char *measurements(void);       // {"mrtd":…,…} of sample_registers
void approves(void);                  // add_approved_measurements of a worker's sample_registers

// A quote that binds the key of this number and the challenge that counts now; s may change it further.
void quotes(uint8_t key, struct sample *s);
// The arguments of a registration by the last quote. `more`: "" or ",…".
const char *registration(uint8_t key, const char *more);
const char *with_collateral(void); // ,"collateral":{…} of the last sample
// Quotes, and registers with the collateral in the call.
void registers(uint8_t key);
