// SPDX-License-Identifier: Apache-2.0
// Hashes and signatures with published vectors: keccak of the Keccak team, RIPEMD-160 of its authors, RFC 8032, RFC
// 6979. The functions read from registers, so no contract and no guest memory is needed.
#include "nearvm/vm_internal.h"

#include "base/test.h"
#include "codec/hex.h"

#define REGISTER UINT64_MAX // as a length: the pointer is a register's id
#define SAMPLE "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf" // SHA-256 of "sample"

struct box { // one call in progress
    struct arena *arena;
    struct vm_call call;
    struct vm_outcome out;
    struct vm vm;
};

static int box_open(void **state) {
    struct box *b = xcalloc(1, sizeof *b);
    b->arena = arena_new();
    b->call.arena = b->arena;
    b->vm.call = &b->call;
    b->vm.out = &b->out;
    b->vm.gas.prepaid = GAS_MAX;
    *state = b;
    return 0;
}

static int box_close(void **state) {
    struct box *b = *state;
    vm_release_registers(&b->vm);
    arena_free(b->arena);
    free(b);
    return 0;
}

// Empty registers, no error, no gas burnt.
static void box_clear(struct box *b) {
    vm_release_registers(&b->vm);
    b->vm.register_bytes = 0;
    b->vm.failed = false;
    b->vm.gas = (struct gas_counter){.prepaid = GAS_MAX};
}

static void put(struct box *b, uint64_t id, struct slice bytes) { assert_true(register_put(&b->vm, id, bytes)); }

static void put_hex(struct box *b, uint64_t id, const char *hex) {
    struct slice bytes;
    struct err e;
    assert_ok(hex_decode(&bytes, b->arena, slice_str(hex), &e), &e);
    put(b, id, bytes);
}

// Runs it; its result where there is one. What it did wrong stands in b->vm.failed.
static uint64_t run(struct box *b, const char *name, const uint64_t *p) {
    uint64_t r = 0;
    for (size_t i = 0; i < host_math.count; i++)
        if (strcmp(host_math.list[i].name, name) == 0) {
            bool ok = host_math.list[i].run(&b->vm, p, &r);
            assert_int_equal(ok, !b->vm.failed);
            return r;
        }
    fail_msg("there is no host function '%s'", name);
    return 0;
}

static void fails(struct box *b, const char *name, const uint64_t *p, const char *text, const char *debug) {
    (void)run(b, name, p);
    assert_true(b->vm.failed);
    assert_string_equal(b->out.error.text, text);
    assert_string_equal(b->out.error.debug, debug);
}

static void hashes_to(struct box *b, const char *name, struct slice message, const char *want) {
    box_clear(b);
    put(b, 1, message);
    (void)run(b, name, (const uint64_t[]){REGISTER, 1, 2});
    assert_false(b->vm.failed);
    const struct vm_register *r = register_find(&b->vm, 2);
    assert_string_equal(hex_text(b->arena, slice_of(r->ptr, r->len)), want);
}

// A contract that proves something about Ethereum or Bitcoin by a wrong hash is worthless there.
static void hashes(void **state) {
    struct box *b = *state;
    char as[200];
    memset(as, 'a', sizeof as);
    hashes_to(b, "keccak256", SLICE_LIT(""), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    hashes_to(b, "keccak256", SLICE_LIT("abc"), "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    // One byte less than a block, a block, more than one.
    hashes_to(b, "keccak256", slice_of(as, 135), "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446");
    hashes_to(b, "keccak256", slice_of(as, 136), "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e");
    hashes_to(b, "keccak256", slice_of(as, 200), "96ea54061def936c4be90b518992fdc6f12f535068a256229aca54267b4d084d");
    hashes_to(
        b, "keccak512", SLICE_LIT("abc"),
        "18587dc2ea106b9a1563e32b3312421ca164c7f1f07bc922a9c83d77cea3a1e5d0c69910739025372dc14ac9642629379540c17e2a65b1"
        "9d77aa511a9d00bb96");
    hashes_to(
        b, "keccak512", slice_of(as, 71),
        "a57dce7da8ec781665705f3d69310beaaa5b0cae0c9c34c9b1c5b7238bbd2ce385bbe2f37694d2b8e9a55eb889eecb80d74ff4f9086067"
        "b47fd3f43c16c0b506");
    hashes_to(
        b, "keccak512", slice_of(as, 72),
        "4cb1cecbc96415025c7a9d6fb89f82a8482773fd9664c378691a05323ff4700fa3e60414e6064814f98b36a61a87f62dffa7c56a237135"
        "5868dd37b8a654cf50");
    hashes_to(b, "ripemd160", SLICE_LIT(""), "9c1185a5c5e9fc54612808977ee8f548b2258d31");
    hashes_to(b, "ripemd160", SLICE_LIT("abc"), "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
    hashes_to(b, "ripemd160", SLICE_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "12a053384a9c0c88e405a06c27dcf49ada62eb2b");
    hashes_to(b, "sha256", SLICE_LIT("sample"), SAMPLE);
}

// Each hash costs its own base, its bytes or blocks, the reading and the writing, and no general base.
static void hashes_cost(void **state) {
    struct box *b = *state;
    static const struct {
        const char *name;
        enum ext_cost base, piece;
        uint64_t len, pieces, out;
    } rows[] = {
        {"keccak256", EXT_KECCAK256_BASE, EXT_KECCAK256_BYTE, 200, 200, 32},
        {"keccak512", EXT_KECCAK512_BASE, EXT_KECCAK512_BYTE, 200, 200, 64},
        {"ripemd160", EXT_RIPEMD160_BASE, EXT_RIPEMD160_BLOCK, 55, 1, 20},
        {"ripemd160", EXT_RIPEMD160_BASE, EXT_RIPEMD160_BLOCK, 56, 2, 20}, // its length needs another block
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char message[200] = {0};
        box_clear(b);
        put(b, 1, slice_of(message, rows[i].len));
        (void)run(b, rows[i].name, (const uint64_t[]){REGISTER, 1, 2});
        assert_int_equal(b->vm.gas.burnt,
                         ext_costs[rows[i].base] + ext_costs[rows[i].piece] * rows[i].pieces +
                             ext_costs[EXT_READ_REGISTER_BASE] + ext_costs[EXT_READ_REGISTER_BYTE] * rows[i].len +
                             ext_costs[EXT_WRITE_REGISTER_BASE] + ext_costs[EXT_WRITE_REGISTER_BYTE] * rows[i].out);
    }
}

// --- signatures: register 1 the signature, 2 the message, 3 the key

static const uint64_t signed_by[] = {REGISTER, 1, REGISTER, 2, REGISTER, 3};

static uint64_t verifies(struct box *b, const char *name, const char *signature, const char *message, const char *key) {
    box_clear(b);
    put_hex(b, 1, signature);
    put_hex(b, 2, message);
    put_hex(b, 3, key);
    uint64_t r = run(b, name, signed_by);
    assert_false(b->vm.failed);
    return r;
}

#define ED_KEY "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define ED_R "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
#define ED_S "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"

// RFC 8032, 7.1: TEST 1 to 3. What else is let through is somebody's money.
static void ed25519(void **state) {
    struct box *b = *state;
    const char *name = "ed25519_verify";
    assert_int_equal(
        verifies(b, name,
                 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
                 "f9b46bd25bf5f0595bbe24655141438e7a100b",
                 "", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
        1);
    assert_int_equal(verifies(b, name, ED_R ED_S, "72", ED_KEY), 1);
    assert_int_equal(
        verifies(b, name,
                 "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
                 "c6594a7c15e9716ed28dc027beceea1ec40a",
                 "af82", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
        1);
    assert_int_equal(verifies(b, name, ED_R ED_S, "73", ED_KEY), 0);
    assert_int_equal(
        verifies(b, name, ED_R ED_S, "72", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"), 0);
    // A scalar that the group's order was added to is not taken.
    assert_int_equal(
        verifies(b, name, ED_R "f52db7415978abc61b2c2eb6aeebfca0387b2eaeb4302aeeb00d291612bb0c10", "72", ED_KEY), 0);
    // Beyond 2^253 nothing more is read: neither the message nor the key has to be there.
    box_clear(b);
    put_hex(b, 1, ED_R "00000000000000000000000000000000000000000000000000000000000000e0");
    assert_int_equal(run(b, name, signed_by), 0);
    assert_false(b->vm.failed);
    box_clear(b);
    put_hex(b, 1, ED_R);
    fails(b, name, signed_by, "Ed25519Verify: invalid signature length",
          "HostError(Ed25519VerifyInvalidInput { msg: \"invalid signature length\" })");
    box_clear(b);
    put_hex(b, 1, ED_R ED_S);
    put_hex(b, 2, "72");
    put_hex(b, 3, "3d40");
    fails(b, name, signed_by, "Ed25519Verify: invalid public key length",
          "HostError(Ed25519VerifyInvalidInput { msg: \"invalid public key length\" })");
}

// RFC 6979, A.2.5: P-256 with SHA-256, "sample".
#define P_X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define P_R "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
#define P_S "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
#define P_N "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551" // the group's order
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

static void p256(void **state) {
    struct box *b = *state;
    const char *name = "p256_verify";
    assert_int_equal(verifies(b, name, P_R P_S, SAMPLE, "03" P_X), 1);
    assert_int_equal(
        verifies(b, name, P_R "0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9", SAMPLE, "03" P_X),
        1); // n - s is as good
    assert_int_equal(verifies(b, name, P_R P_S, SAMPLE, "02" P_X), 0);
    assert_int_equal(verifies(b, name, P_R P_S, SAMPLE, "04" P_X), 0);
    assert_int_equal(verifies(b, name, P_R P_S, SAMPLE, "05" P_X), 1); // the smaller y, which is this key's
    assert_int_equal(verifies(b, name, P_R P_S, SAMPLE, "03" P_N), 0); // no point of the curve
    assert_int_equal(verifies(b, name, P_S P_R, SAMPLE, "03" P_X), 0);
    // The leftmost 32 bytes count; a shorter digest is filled up on the left, and one under 16 bytes is none.
    assert_int_equal(verifies(b, name, P_R P_S, SAMPLE "ff", "03" P_X), 1);
    assert_int_equal(verifies(b, name,
                              "7640617e32ab1669d633b7c1edb758002f6966a33e0bd13f6556b739204d2129"
                              "f6c35d377aab555c3f7869b179201eb48b1281a596f61bdbf94924c4a3453f05",
                              "8151325dcdbae9e0ff95f9f9658432dbedfdb209", "03" P_X),
                     1); // SHA-1 of "sample", the same key
    assert_int_equal(verifies(b, name, P_R P_S, "af2bdbe1aa9b6ec1e2ade1d694f41f", "03" P_X), 0);
    // Of a signature that is out of range nothing more is read.
    static const char *const outside[] = {ZERO P_S, P_R ZERO, P_N P_S, P_R P_N};
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        box_clear(b);
        put_hex(b, 1, outside[i]);
        assert_int_equal(run(b, name, signed_by), 0);
        assert_false(b->vm.failed);
    }
    box_clear(b);
    put_hex(b, 1, P_R);
    fails(b, name, signed_by, "P256Verify: invalid signature length",
          "HostError(P256VerifyInvalidInput { msg: \"invalid signature length\" })");
    box_clear(b);
    put_hex(b, 1, P_R P_S);
    put_hex(b, 2, SAMPLE);
    put_hex(b, 3, P_X);
    fails(b, name, signed_by, "P256Verify: invalid public key length",
          "HostError(P256VerifyInvalidInput { msg: \"invalid public key length\" })");
}

// --- recovery: register 1 the hash, 2 the signature; the key comes into 3

// Signed with the key 1, so that the generator of secp256k1 comes back.
#define K_R "f1eec51d72d7203ac2c422dd163422a19cf737e4ae51a43e32a1a1b7cea65f43"
#define K_HIGH "ff3d32d1a9153c4284b3db0b4593e3ca5b824f737cf4989e4b99c5042bcc6a0d"
#define K_LOW "00c2cd2e56eac3bd7b4c24f4ba6c1c345f2c8d733254079d74389988a469d734"
#define GENERATOR                                                                                                      \
    "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"                                                 \
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"

static void recover_from(struct box *b, const char *hash, const char *signature) {
    box_clear(b);
    put_hex(b, 1, hash);
    put_hex(b, 2, signature);
}

static void ecrecover(void **state) {
    struct box *b = *state;
    struct slice want;
    struct err e;
    assert_ok(hex_decode(&want, b->arena, slice_str(GENERATOR), &e), &e);
    static const struct {
        const char *signature;
        uint64_t v, strict, result;
        bool right; // the key that signed
    } rows[] = {
        {K_R K_HIGH, 1, 0, 1, true},  {K_R K_LOW, 0, 0, 1, true}, {K_R K_LOW, 0, 1, 1, true},
        {K_R K_HIGH, 1, 1, 0, false}, // asked to be strict: only the lower s
        {K_R K_HIGH, 0, 0, 1, false}, // another point, so another key
        {ZERO K_LOW, 0, 0, 0, false}, {K_R ZERO, 0, 0, 0, false}, {K_R K_LOW, 2, 0, 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        recover_from(b, SAMPLE, rows[i].signature);
        uint64_t p[] = {REGISTER, 1, REGISTER, 2, rows[i].v, rows[i].strict, 3};
        assert_int_equal(run(b, "ecrecover", p), rows[i].result);
        assert_false(b->vm.failed);
        const struct vm_register *key = register_find(&b->vm, 3);
        assert_int_equal(key != NULL, rows[i].result);
        assert_int_equal(key && slice_eq(slice_of(key->ptr, key->len), want), rows[i].right);
    }
    static const struct {
        const char *hash, *signature, *what;
        uint64_t v, strict;
    } bad[] = {
        {SAMPLE, K_R, "invalid signature length", 0, 0},
        {SAMPLE, K_R K_LOW, "V recovery byte 0 through 3 are valid", 4, 0},
        {"af2b", K_R K_LOW, "invalid hash length", 0, 0},
        {SAMPLE, K_R K_LOW, "malleability flag must be 0 or 1", 0, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        recover_from(b, bad[i].hash, bad[i].signature);
        uint64_t p[] = {REGISTER, 1, REGISTER, 2, bad[i].v, bad[i].strict, 3};
        fails(b, "ecrecover", p, arena_printf(b->arena, "ECDSA recover error: %s", bad[i].what),
              arena_printf(b->arena, "HostError(ECRecoverError { msg: \"%s\" })", bad[i].what));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(hashes, box_open, box_close),
    cmocka_unit_test_setup_teardown(hashes_cost, box_open, box_close),
    cmocka_unit_test_setup_teardown(ed25519, box_open, box_close),
    cmocka_unit_test_setup_teardown(p256, box_open, box_close),
    cmocka_unit_test_setup_teardown(ecrecover, box_open, box_close),
};
RUN_TESTS(tests)
