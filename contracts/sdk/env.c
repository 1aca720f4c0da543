// SPDX-License-Identifier: Apache-2.0
#include "env.h"
#include "event.h"

#define SCRATCH 0 // register for what is copied at once
#define AT(p) ((uint64_t)(uintptr_t)(p))

[[gnu::weak]] _Noreturn void stop(const char *words) { host_panic_utf8(strlen(words), AT(words)); }

// A contract may have all its words written in one place.
[[gnu::weak]] struct out *sentence(void) {
    static char buffer[512];
    static struct out o;
    o = OUT(buffer);
    return &o;
}

_Noreturn void stop_filled(const char *words, const struct yocto *numbers) {
    char whole[256];
    struct out from = OUT(whole), *o = sentence();
    out_str(&from, words);
    for (size_t i = 0; i < from.len; i++) {
        if (whole[i] == '%')
            out_amount(o, *numbers++);
        else
            out_char(o, whole[i]);
    }
    stop_out(o);
}

// Never inlined: there are a hundred of them, and each byte of code costs gas in every call.
[[gnu::noinline]] void require(bool holds, const char *words) {
    if (!holds)
        stop(words);
}

_Noreturn void stop_out(const struct out *words) { host_panic_utf8(words->len, AT(words->buf)); }

size_t register_copy(uint64_t reg, void *to, size_t cap) {
    uint64_t len = host_register_len(reg);
    require(len <= cap, "Longer than this contract can take");
    host_read_register(reg, AT(to));
    return (size_t)len;
}

static struct account account_in_register(void) {
    struct account a;
    a.len = (uint8_t)register_copy(SCRATCH, a.s, sizeof a.s);
    return a;
}

struct account caller(void) {
    host_predecessor_account_id(SCRATCH);
    return account_in_register();
}

struct account self(void) {
    host_current_account_id(SCRATCH);
    return account_in_register();
}

struct yocto deposit_attached(void) {
    struct yocto d;
    host_attached_deposit(AT(&d.v));
    return d;
}

struct yocto contract_balance(void) {
    struct yocto b;
    host_account_balance(AT(&b.v));
    return b;
}

uint64_t now_ns(void) { return host_block_timestamp(); }

uint64_t gas_left(void) {
    uint64_t prepaid = host_prepaid_gas(), used = host_used_gas();
    return prepaid > used ? prepaid - used : 0;
}

struct arguments arguments(void) {
    static char buffer[ARGUMENTS_MAX];
    host_input(SCRATCH);
    size_t len = register_copy(SCRATCH, buffer, sizeof buffer);
    return (struct arguments){buffer, len};
}

void answer_text(struct text json) { host_value_return(json.len, AT(json.ptr)); }

void answer_json(const struct out *o) { answer_text(out_text(o)); }

void answer_register(uint64_t reg) { host_value_return(FROM_REGISTER, reg); }

void answer_bool(bool b) { answer_text(b ? TEXT("true") : TEXT("false")); }

void answer_number(uint64_t n) {
    char digits[20];
    struct out o = OUT(digits);
    out_number(&o, n);
    answer_json(&o);
}

static size_t logged;

void log_line(const struct out *o) {
    logged += o->len;
    host_log_utf8(o->len, AT(o->buf));
}

size_t log_room(void) { return logged < LOG_BYTES_MAX ? LOG_BYTES_MAX - logged : 0; }

struct hash sha256_of(struct text bytes) {
    struct hash h;
    host_sha256(bytes.len, AT(bytes.ptr), SCRATCH);
    host_read_register(SCRATCH, AT(h.b));
    return h;
}

struct text chain_id(char to[static CHAIN_ID_MAX]) {
    host_chain_id(SCRATCH);
    return (struct text){to, register_copy(SCRATCH, to, CHAIN_ID_MAX)};
}

struct hash random_seed(void) {
    struct hash h;
    host_random_seed(SCRATCH);
    host_read_register(SCRATCH, AT(h.b));
    return h;
}

bool p256_verify(const uint8_t signature[static 64], const struct hash *digest, const uint8_t key[static 33]) {
    return host_p256_verify(64, AT(signature), sizeof digest->b, AT(digest->b), 33, AT(key)) == 1;
}

static _Noreturn void stop_method(const char *before, const char *name, const char *after) {
    struct out *o = sentence();
    out_str(o, before);
    out_str(o, name);
    out_str(o, after);
    stop_out(o);
}

void method_begin(enum method_kind kind, const char *name) {
    logged = 0;
    if (kind == CALLBACK) {
        struct account from = caller(), here = self();
        if (!account_eq(&from, &here))
            stop_method("Method ", name, " is private");
    }
    if ((kind == CALL || kind == CALLBACK) && deposit_attached().v != 0)
        stop_method("Method ", name, " doesn't accept deposit");
}
