// SPDX-License-Identifier: Apache-2.0
#include "mock.h"
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdlib.h>

#define REGISTERS 8
#define METHODS 128
#define RECORD_OVERHEAD 40
#define ACCOUNT_BYTES 182 // an account with one full-access key and no code
#define FREE_BYTES 770    // an account of this size needs no stake

struct bytes {
    char *ptr;
    size_t len;
};
struct record {
    struct record *next; // in its bucket, or in the journal
    struct bytes key, value;
    bool absent; // of the journal: there was no such record
};
#define BUCKETS 32768

struct mock_world mock;
static struct {
    struct record *buckets[BUCKETS], *journal; // journal: what this call has overwritten, the last first
    size_t usage;
} state;
static struct bytes registers[REGISTERS];
static struct {
    const char *name;
    void (*method)(void);
} methods[METHODS];
static size_t method_count;
static struct {
    bool view;
    const char *caller, *input;
    size_t input_len;
    u128 deposit, spent;
    struct bytes results[MOCK_JOINED]; // of the promises that a callback awaited; ptr NULL: it failed
    size_t awaited;
} call;
static jmp_buf stopped;
static uint64_t ids; // makes data ids differ

static void check(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "mock host: %s\n", what);
    abort();
}

static struct bytes copy(const void *from, size_t len) {
    struct bytes b = {malloc(len + 1), len};
    check(b.ptr, "out of memory");
    if (len)
        memcpy(b.ptr, from, len);
    b.ptr[len] = 0;
    return b;
}

void mock_method(const char *name, void (*method)(void)) {
    check(method_count < METHODS, "too many methods");
    methods[method_count].name = name;
    methods[method_count++].method = method;
}

// --- stopping

static _Noreturn void trap(const char *why) {
    snprintf(mock.error, sizeof mock.error, "%s", why);
    longjmp(stopped, 1);
}

static void call_only(const char *function) {
    if (!call.view)
        return;
    snprintf(mock.error, sizeof mock.error, "%s is not allowed in view calls", function);
    longjmp(stopped, 1);
}

static void must_be_utf8(const char *p, size_t len) {
    for (const char *end = p + len; p < end;) {
        size_t n = utf8_length(p, end);
        if (!n)
            trap("String encoding is bad UTF-8 sequence.");
        p += n;
    }
}

static const char *at(uint64_t ptr) { return (const char *)(uintptr_t)ptr; }

_Noreturn void host_panic_utf8(uint64_t len, uint64_t ptr) {
    must_be_utf8(at(ptr), len);
    snprintf(mock.error, sizeof mock.error, "Smart contract panicked: %.*s", (int)len, at(ptr));
    longjmp(stopped, 1);
}

// --- registers

static void set_register(uint64_t reg, const void *from, size_t len) {
    check(reg < REGISTERS, "register id");
    struct bytes b = copy(from, len);
    free(registers[reg].ptr);
    registers[reg] = b;
}

static void set_text(uint64_t reg, const char *s) { set_register(reg, s, strlen(s)); }

uint64_t host_register_len(uint64_t reg) {
    check(reg < REGISTERS, "register id");
    return registers[reg].ptr ? registers[reg].len : UINT64_MAX;
}

void host_read_register(uint64_t reg, uint64_t ptr) {
    if (host_register_len(reg) == UINT64_MAX)
        trap("Accessed invalid register id");
    memcpy((void *)(uintptr_t)ptr, registers[reg].ptr, registers[reg].len);
}

// Bytes that the contract names by address or, with length UINT64_MAX, by register.
static struct bytes argument(uint64_t len, uint64_t ptr) {
    if (len != FROM_REGISTER)
        return (struct bytes){(char *)(uintptr_t)ptr, len};
    if (host_register_len(ptr) == UINT64_MAX)
        trap("Accessed invalid register id");
    return registers[ptr];
}

// --- context

void host_input(uint64_t reg) { set_register(reg, call.input, call.input_len); }
void host_current_account_id(uint64_t reg) { set_text(reg, mock.self); }
void host_chain_id(uint64_t reg) { set_text(reg, mock.chain_id); }
void host_random_seed(uint64_t reg) { set_register(reg, mock.random_seed, sizeof mock.random_seed); }
void host_predecessor_account_id(uint64_t reg) {
    call_only("predecessor_account_id");
    set_text(reg, call.caller);
}
void host_attached_deposit(uint64_t ptr) { memcpy((void *)(uintptr_t)ptr, &call.deposit, sizeof call.deposit); }
void host_account_balance(uint64_t ptr) {
    u128 now = mock.balance + call.deposit - call.spent;
    memcpy((void *)(uintptr_t)ptr, &now, sizeof now);
}
uint64_t host_block_timestamp(void) { return mock.now_ns; }
uint64_t host_storage_usage(void) { return ACCOUNT_BYTES + state.usage; }
uint64_t host_prepaid_gas(void) {
    call_only("prepaid_gas");
    return mock.prepaid_gas;
}
uint64_t host_used_gas(void) {
    call_only("used_gas");
    return mock.used_gas;
}

void host_value_return(uint64_t len, uint64_t ptr) {
    struct bytes b = argument(len, ptr);
    if (b.len > 4194304)
        trap("The length of a returned value exceeds the limit 4194304");
    b = copy(b.ptr, b.len);
    free(mock.value);
    mock.value = b.ptr, mock.value_len = b.len;
}

void host_log_utf8(uint64_t len, uint64_t ptr) {
    if (mock.log_count == 100)
        trap("The number of logs will exceed the limit 100");
    mock.log_bytes += len;
    if (mock.log_bytes > LOG_BYTES_MAX)
        trap("The length of a log message exceeds the limit 16384");
    must_be_utf8(at(ptr), len);
    mock.logs[mock.log_count++] = copy(at(ptr), len).ptr;
}

// --- state

static void free_record(struct record *r) {
    free(r->key.ptr);
    free(r->value.ptr);
    free(r);
}

static void free_records(struct record *r) {
    for (struct record *next; r; r = next) {
        next = r->next;
        free_record(r);
    }
}

static void free_state(void) {
    for (size_t i = 0; i < BUCKETS; i++)
        free_records(state.buckets[i]);
    free_records(state.journal);
    memset(&state, 0, sizeof state);
}

// Where the record with this key is linked, or would be.
static struct record **find(struct bytes key) {
    uint64_t hash = 14695981039346656037u;
    if (key.len > 2048)
        trap("The length of a storage key exceeds the limit 2048");
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (uint8_t)key.ptr[i]) * 1099511628211u;
    struct record **at = &state.buckets[(hash ^ hash >> 32) % BUCKETS];
    while (*at && !((*at)->key.len == key.len && memcmp((*at)->key.ptr, key.ptr, key.len) == 0))
        at = &(*at)->next;
    return at;
}

static struct record *new_record(struct bytes key, struct bytes value) {
    struct record *r = calloc(1, sizeof *r);
    check(r, "out of memory");
    *r = (struct record){.key = copy(key.ptr, key.len), .value = copy(value.ptr, value.len)};
    return r;
}

// Takes the record at `at`, if there is one, out of the state.
static struct record *unlink_record(struct record **at) {
    struct record *r = *at;
    if (r) {
        *at = r->next;
        state.usage -= r->key.len + r->value.len + RECORD_OVERHEAD;
    }
    return r;
}

static void link_record(struct record **at, struct record *r) {
    r->next = *at;
    *at = r;
    state.usage += r->key.len + r->value.len + RECORD_OVERHEAD;
}

// Notes what is under the key, and takes it out.
static bool displace(struct bytes key, uint64_t reg) {
    struct record *old = unlink_record(find(key));
    bool there = old;
    if (there)
        set_register(reg, old->value.ptr, old->value.len);
    else
        old = new_record(key, (struct bytes){NULL, 0});
    old->absent = !there;
    old->next = state.journal;
    state.journal = old;
    return there;
}

static void forget_journal(void) {
    free_records(state.journal);
    state.journal = NULL;
}

static void roll_back(void) {
    for (struct record *r; (r = state.journal);) {
        state.journal = r->next;
        struct record **at = find(r->key), *now = unlink_record(at);
        if (now)
            free_record(now);
        if (r->absent)
            free_record(r);
        else
            link_record(at, r);
    }
}

uint64_t host_storage_has_key(uint64_t klen, uint64_t kptr) { return *find(argument(klen, kptr)) != NULL; }

uint64_t host_storage_read(uint64_t klen, uint64_t kptr, uint64_t reg) {
    struct record *r = *find(argument(klen, kptr));
    if (r)
        set_register(reg, r->value.ptr, r->value.len);
    return r != NULL;
}

uint64_t host_storage_remove(uint64_t klen, uint64_t kptr, uint64_t reg) {
    call_only("storage_remove");
    return displace(argument(klen, kptr), reg);
}

uint64_t host_storage_write(uint64_t klen, uint64_t kptr, uint64_t vlen, uint64_t vptr, uint64_t reg) {
    call_only("storage_write");
    struct bytes key = argument(klen, kptr), value = argument(vlen, vptr);
    if (value.len > 4194304)
        trap("The length of a storage value exceeds the limit 4194304");
    struct record *r = new_record(key, value);
    bool there = displace(r->key, reg);
    link_record(find(r->key), r);
    return there;
}

void host_sha256(uint64_t len, uint64_t ptr, uint64_t reg) {
    struct bytes b = argument(len, ptr);
    uint8_t hash[HASH_SIZE];
    crypto_hash_sha256(hash, (const uint8_t *)b.ptr, b.len);
    set_register(reg, hash, sizeof hash);
}

// NULL: it is no point.
static EVP_PKEY *p256_key(struct bytes key) {
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"P-256"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, key.ptr, key.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *k = NULL;
    check(ctx && EVP_PKEY_fromdata_init(ctx) == 1, "OpenSSL");
    if (EVP_PKEY_fromdata(ctx, &k, EVP_PKEY_PUBLIC_KEY, params) != 1)
        k = NULL;
    EVP_PKEY_CTX_free(ctx);
    return k;
}

static bool p256_check(struct bytes sig, struct bytes digest, struct bytes key) {
    EVP_PKEY *k = p256_key(key);
    if (!k)
        return false;
    ECDSA_SIG *s = ECDSA_SIG_new();
    uint8_t *der = NULL;
    check(s && ECDSA_SIG_set0(s, BN_bin2bn((uint8_t *)sig.ptr, 32, NULL), BN_bin2bn((uint8_t *)sig.ptr + 32, 32, NULL)),
          "OpenSSL");
    int len = i2d_ECDSA_SIG(s, &der);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k, NULL);
    bool good = len > 0 && ctx && EVP_PKEY_verify_init(ctx) == 1 &&
                EVP_PKEY_verify(ctx, der, (size_t)len, (uint8_t *)digest.ptr, digest.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    OPENSSL_free(der);
    ECDSA_SIG_free(s);
    EVP_PKEY_free(k);
    return good;
}

uint64_t host_p256_verify(uint64_t slen, uint64_t sptr, uint64_t mlen, uint64_t mptr, uint64_t klen, uint64_t kptr) {
    struct bytes sig = argument(slen, sptr), digest = argument(mlen, mptr), key = argument(klen, kptr);
    if (sig.len != 64)
        trap("P256 verify: invalid signature length");
    if (key.len != 33)
        trap("P256 verify: invalid public key length");
    check(digest.len == HASH_SIZE, "a digest of 32 bytes");
    mock.p256_count++;
    return p256_check(sig, digest, key);
}

// --- promises

static struct mock_receipt *new_receipt(uint64_t alen, uint64_t aptr, int after) {
    struct bytes to = argument(alen, aptr);
    check(mock.receipt_count < MOCK_MAX, "too many receipts");
    if (!account_valid((struct text){to.ptr, to.len}))
        trap("VM Logic returned an invalid account id");
    struct mock_receipt *r = &mock.receipts[mock.receipt_count++];
    *r = (struct mock_receipt){.after = after};
    memcpy(r->to, to.ptr, to.len);
    return r;
}

static void set_method(char out[65], struct bytes method) {
    if (!method.len)
        trap("Tried to call an empty method name.");
    check(method.len < 65, "method name");
    memcpy(out, method.ptr, method.len);
    out[method.len] = 0;
}

static u128 spend(uint64_t amount_ptr) {
    u128 amount;
    memcpy(&amount, at(amount_ptr), sizeof amount);
    if (amount > mock.balance + call.deposit - call.spent)
        trap("Exceeded the account balance.");
    call.spent += amount;
    return amount;
}

static uint64_t function_call(struct mock_receipt *r, struct bytes method, struct bytes args, uint64_t amount_ptr,
                              uint64_t gas) {
    if (gas > mock.prepaid_gas - mock.used_gas)
        trap("Exceeded the prepaid gas.");
    mock.used_gas += gas;
    set_method(r->method, method);
    r->kind = RECEIPT_CALL;
    r->args = copy(args.ptr, args.len).ptr;
    r->args_len = args.len;
    r->amount = spend(amount_ptr);
    r->gas = gas;
    return (uint64_t)(r - mock.receipts);
}

uint64_t host_promise_create(uint64_t alen, uint64_t aptr, uint64_t mlen, uint64_t mptr, uint64_t len, uint64_t ptr,
                             uint64_t amount_ptr, uint64_t gas) {
    call_only("promise_create");
    return function_call(new_receipt(alen, aptr, -1), argument(mlen, mptr), argument(len, ptr), amount_ptr, gas);
}

uint64_t host_promise_then(uint64_t idx, uint64_t alen, uint64_t aptr, uint64_t mlen, uint64_t mptr, uint64_t len,
                           uint64_t ptr, uint64_t amount_ptr, uint64_t gas) {
    call_only("promise_then");
    if (idx >= mock.receipt_count)
        trap("does not correspond to existing promises");
    return function_call(new_receipt(alen, aptr, (int)idx), argument(mlen, mptr), argument(len, ptr), amount_ptr, gas);
}

// Joined ones that are joined again stand in a row, as on a node.
uint64_t host_promise_and(uint64_t ptr, uint64_t count) {
    call_only("promise_and");
    check(mock.receipt_count < MOCK_MAX, "too many receipts");
    struct mock_receipt *r = &mock.receipts[mock.receipt_count];
    *r = (struct mock_receipt){.kind = RECEIPT_JOIN, .after = -1};
    for (uint64_t i = 0; i < count; i++) {
        uint64_t index;
        memcpy(&index, at(ptr + i * sizeof index), sizeof index);
        if (index >= mock.receipt_count)
            trap("does not correspond to existing promises");
        const struct mock_receipt *one = &mock.receipts[index];
        size_t n = one->kind == RECEIPT_JOIN ? one->joined_count : 1;
        check(r->joined_count + n <= MOCK_JOINED, "too many promises are joined");
        for (size_t k = 0; k < n; k++)
            r->joined[r->joined_count++] = one->kind == RECEIPT_JOIN ? one->joined[k] : (int)index;
    }
    return mock.receipt_count++;
}

uint64_t host_promise_batch_create(uint64_t alen, uint64_t aptr) {
    call_only("promise_batch_create");
    return (uint64_t)(new_receipt(alen, aptr, -1) - mock.receipts);
}

void host_promise_batch_action_transfer(uint64_t idx, uint64_t amount_ptr) {
    call_only("promise_batch_action_transfer");
    check(idx < mock.receipt_count && !mock.receipts[idx].method[0], "transfer into another promise");
    mock.receipts[idx].kind = RECEIPT_TRANSFER;
    mock.receipts[idx].amount = spend(amount_ptr);
}

void host_promise_batch_action_deploy_contract(uint64_t idx, uint64_t len, uint64_t ptr) {
    call_only("promise_batch_action_deploy_contract");
    struct bytes code = argument(len, ptr);
    check(idx < mock.receipt_count && !mock.receipts[idx].method[0], "deployment into another promise");
    mock.receipts[idx].kind = RECEIPT_DEPLOY;
    mock.receipts[idx].args = copy(code.ptr, code.len).ptr;
    mock.receipts[idx].args_len = code.len;
}

void host_promise_batch_action_function_call(uint64_t idx, uint64_t mlen, uint64_t mptr, uint64_t len, uint64_t ptr,
                                             uint64_t amount_ptr, uint64_t gas) {
    call_only("promise_batch_action_function_call");
    struct bytes args = argument(len, ptr);
    check(idx < mock.receipt_count && mock.receipts[idx].kind == RECEIPT_DEPLOY, "call behind a deployment");
    if (gas > mock.prepaid_gas - mock.used_gas)
        trap("Exceeded the prepaid gas.");
    mock.used_gas += gas;
    set_method(mock.receipts[idx].method, argument(mlen, mptr));
    mock.receipts[idx].call_args = copy(args.ptr, args.len).ptr;
    mock.receipts[idx].amount = spend(amount_ptr);
    mock.receipts[idx].gas = gas;
}

static struct mock_receipt *key_receipt(uint64_t idx, struct bytes key) {
    check(idx < mock.receipt_count && !mock.receipts[idx].method[0] && !mock.receipts[idx].key_given,
          "a key's action in a promise of its own");
    if (key.len != sizeof mock.receipts[idx].key || key.ptr[0] != 0)
        trap("VM Logic provided an invalid public key");
    memcpy(mock.receipts[idx].key, key.ptr, key.len);
    mock.receipts[idx].key_given = true;
    return &mock.receipts[idx];
}

void host_promise_batch_action_add_key_with_function_call(uint64_t idx, uint64_t klen, uint64_t kptr, uint64_t nonce,
                                                          uint64_t allowance_ptr, uint64_t rlen, uint64_t rptr,
                                                          uint64_t mlen, uint64_t mptr) {
    call_only("promise_batch_action_add_key_with_function_call");
    struct bytes receiver = argument(rlen, rptr), names = argument(mlen, mptr);
    struct mock_receipt *r = key_receipt(idx, argument(klen, kptr));
    if (!account_valid((struct text){receiver.ptr, receiver.len}))
        trap("VM Logic returned an invalid account id");
    check(nonce == 0, "a new key's nonce");
    r->kind = RECEIPT_ADD_KEY;
    memcpy(r->receiver, receiver.ptr, receiver.len);
    r->args = copy(names.ptr, names.len).ptr;
    r->args_len = names.len;
    memcpy(&r->amount, at(allowance_ptr), sizeof r->amount);
}

void host_promise_batch_action_delete_key(uint64_t idx, uint64_t klen, uint64_t kptr) {
    call_only("promise_batch_action_delete_key");
    key_receipt(idx, argument(klen, kptr))->kind = RECEIPT_DELETE_KEY;
}

void host_promise_return(uint64_t idx) {
    call_only("promise_return");
    if (idx >= mock.receipt_count)
        trap("does not correspond to existing promises");
    if (mock.receipts[idx].kind == RECEIPT_JOIN)
        trap("Returning joint promise is currently prohibited");
    mock.returned = (int)idx;
}

uint64_t host_promise_result(uint64_t i, uint64_t reg) {
    call_only("promise_result");
    if (i >= call.awaited)
        trap("Accessed invalid promise result index");
    if (!call.results[i].ptr)
        return 2;
    set_register(reg, call.results[i].ptr, call.results[i].len);
    return 1;
}

uint64_t host_promise_results_count(void) {
    call_only("promise_results_count");
    return call.awaited;
}

uint64_t host_promise_yield_create(uint64_t mlen, uint64_t mptr, uint64_t len, uint64_t ptr, uint64_t gas,
                                   uint64_t weight, uint64_t reg) {
    call_only("promise_yield_create");
    check(weight == 1 && mock.yield_count < MOCK_MAX, "yield");
    u128 none = 0;
    struct bytes method = argument(mlen, mptr), args = argument(len, ptr);
    struct mock_receipt *r = new_receipt(strlen(mock.self), (uint64_t)(uintptr_t)mock.self, -1);
    uint64_t index = function_call(r, method, args, (uint64_t)(uintptr_t)&none, gas);
    struct mock_yield *y = &mock.yields[mock.yield_count++];
    *y = (struct mock_yield){.args = copy(args.ptr, args.len).ptr, .args_len = args.len};
    set_method(y->method, method);
    ids++;
    crypto_hash_sha256(y->data_id, (const uint8_t *)&ids, sizeof ids);
    set_register(reg, y->data_id, sizeof y->data_id);
    r->kind = RECEIPT_YIELD;
    return index;
}

uint32_t host_promise_yield_resume(uint64_t ilen, uint64_t iptr, uint64_t len, uint64_t ptr) {
    call_only("promise_yield_resume");
    struct bytes id = argument(ilen, iptr), payload = argument(len, ptr);
    if (payload.len > YIELD_PAYLOAD_MAX)
        trap("Yield resume payload is longer than 1024 bytes");
    check(id.len == HASH_SIZE, "data id");
    for (size_t i = 0; i < mock.yield_count; i++) {
        struct mock_yield *y = &mock.yields[i];
        if (y->done || memcmp(y->data_id, id.ptr, HASH_SIZE) != 0)
            continue;
        if (!y->payload)
            y->payload = copy(payload.ptr, payload.len).ptr, y->payload_len = payload.len;
        return 1;
    }
    return 0;
}

// --- calls

static void forget_last_call(void) {
    for (size_t i = 0; i < mock.log_count; i++)
        free(mock.logs[i]);
    for (size_t i = 0; i < mock.receipt_count; i++) {
        free(mock.receipts[i].args);
        free(mock.receipts[i].call_args);
    }
    for (size_t i = 0; i < REGISTERS; i++)
        free(registers[i].ptr);
    memset(registers, 0, sizeof registers);
    free(mock.value);
    mock.value = NULL;
    mock.log_count = mock.log_bytes = mock.receipt_count = mock.value_len = 0;
    mock.returned = -1;
    mock.error[0] = 0;
    mock.used_gas = 0;
    mock.p256_count = 0;
}

static void drop_yields(size_t from) {
    for (size_t i = from; i < mock.yield_count; i++) {
        free(mock.yields[i].args);
        free(mock.yields[i].payload);
    }
    mock.yield_count = from;
}

// The account keeps its state only if its balance covers it.
static bool settle_balance(void) {
    u128 after = mock.balance + call.deposit - call.spent, usage = ACCOUNT_BYTES + state.usage;
    if (usage > FREE_BYTES && after < usage * BYTE_STAKE) {
        snprintf(mock.error, sizeof mock.error, "LackBalanceForState");
        return false;
    }
    mock.balance = after;
    mock.usage = (uint64_t)usage;
    return true;
}

static void (*find_method(const char *name))(void) {
    for (size_t i = 0; i < method_count; i++)
        if (strcmp(methods[i].name, name) == 0)
            return methods[i].method;
    return NULL;
}

// What a failed call has made is undone: state, receipts, yields, and payloads of yields that it resumed.
static void undo(const bool *resumed, size_t yields) {
    roll_back();
    drop_yields(yields);
    for (size_t i = 0; i < yields; i++) {
        if (!resumed[i] && mock.yields[i].payload) {
            free(mock.yields[i].payload);
            mock.yields[i].payload = NULL;
        }
    }
    char error[sizeof mock.error];
    memcpy(error, mock.error, sizeof error);
    forget_last_call();
    memcpy(mock.error, error, sizeof error);
}

static bool attempt(void (*method)(void)) {
    if (setjmp(stopped))
        return false;
    method();
    return settle_balance();
}

static bool run(const char *name) {
    void (*method)(void) = find_method(name);
    size_t yields = mock.yield_count;
    bool resumed[MOCK_MAX];
    for (size_t i = 0; i < yields; i++)
        resumed[i] = mock.yields[i].payload != NULL;
    forget_last_call();
    mock.ok = method && attempt(method);
    if (!method)
        snprintf(mock.error, sizeof mock.error, "MethodNotFound");
    if (!mock.ok)
        undo(resumed, yields);
    forget_journal();
    return mock.ok;
}

bool mock_call_bytes(const char *method, const char *caller, u128 deposit, const void *args, size_t len) {
    memset(&call, 0, sizeof call);
    call.caller = caller, call.deposit = deposit, call.input = args, call.input_len = len;
    return run(method);
}

bool mock_call(const char *method, const char *caller, u128 deposit, const char *args) {
    return mock_call_bytes(method, caller, deposit, args, strlen(args));
}

bool mock_view(const char *method, const char *args) {
    memset(&call, 0, sizeof call);
    call.view = true, call.caller = "", call.input = args, call.input_len = strlen(args);
    return run(method);
}

static void begin_callback(const char *args, size_t len) {
    memset(&call, 0, sizeof call);
    call.caller = mock.self, call.input = args, call.input_len = len;
}

static void add_result(const char *result, size_t len) {
    check(call.awaited < MOCK_JOINED, "too many results");
    call.results[call.awaited++] = (struct bytes){(char *)(uintptr_t)result, len};
}

bool mock_callback_of(const char *method, const char *args, const char *const *results, size_t count) {
    begin_callback(args, strlen(args));
    for (size_t i = 0; i < count; i++)
        add_result(results[i], results[i] ? strlen(results[i]) : 0);
    return run(method);
}

bool mock_callback(const char *method, const char *args, const char *result) {
    return mock_callback_of(method, args, &result, 1);
}

bool mock_yield_end(size_t i) {
    struct mock_yield *y = &mock.yields[i];
    check(i < mock.yield_count && !y->done, "no such yield");
    y->done = true;
    begin_callback(y->args, y->args_len);
    add_result(y->payload, y->payload_len);
    return run(y->method);
}

const char *mock_stored(const void *key, size_t key_len, size_t *len) {
    struct record *r = *find((struct bytes){(char *)(uintptr_t)key, key_len});
    *len = r ? r->value.len : 0;
    return r ? r->value.ptr : NULL;
}

void mock_store(const void *key, size_t key_len, const void *value, size_t len) {
    memset(&call, 0, sizeof call);
    host_storage_write(key_len, (uint64_t)(uintptr_t)key, len, (uint64_t)(uintptr_t)value, 0);
    forget_journal();
    mock.usage = host_storage_usage();
}

void mock_forget_yields(void) {
    size_t kept = 0;
    for (size_t i = 0; i < mock.yield_count; i++) {
        struct mock_yield *y = &mock.yields[i];
        if (!y->done) {
            mock.yields[kept++] = *y;
            continue;
        }
        free(y->args);
        free(y->payload);
    }
    mock.yield_count = kept;
}

uint64_t mock_usage_of(const char *letters) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct record *r = state.buckets[i]; r; r = r->next)
            if (r->key.len && strchr(letters, r->key.ptr[0]))
                bytes += r->key.len + r->value.len + RECORD_OVERHEAD;
    return bytes;
}

const char *mock_log(const char *prefix) {
    for (size_t i = 0; i < mock.log_count; i++)
        if (strncmp(mock.logs[i], prefix, strlen(prefix)) == 0)
            return mock.logs[i];
    return NULL;
}

void mock_release(void) {
    forget_last_call();
    drop_yields(0);
    free_state();
}

void mock_reset(const char *self) {
    mock_release();
    memset(&mock, 0, sizeof mock);
    check(sodium_init() >= 0, "libsodium");
    snprintf(mock.self, sizeof mock.self, "%s", self);
    snprintf(mock.chain_id, sizeof mock.chain_id, "mock");
    mock.balance = 100000 * MILLI_NEAR;
    mock.now_ns = 1767225600 * SECOND_NS;
    mock.prepaid_gas = 300 * TGAS;
    mock.returned = -1;
}
