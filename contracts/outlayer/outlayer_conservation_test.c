// SPDX-License-Identifier: Apache-2.0
// Money is conserved, whatever is called in whatever order: after each random step the contract's balance is what it
// was given for itself + payments of pending requests + stakes of secrets + refunds that are kept + fees not yet
// withdrawn, to the yocto; the account's state is exactly the records that there should be, and secrets bind the bytes
// that were paid for. The ledger is kept here, from what
// was attached, what was sent and what events say. All of it runs with much and with little money of the contract's
// own: what it lends to outputs must never be what it owes, or the account could not pay for its state and a callback,
// a cancel or a claim would fail. A failure names the step; SEED=… in the environment gives another sequence.
#include "kit/kit.h"
#include "outlayer/model.h"

#include <stdlib.h>

#define STEPS 100000
#define BYTE ((u128)10000000000000000000u)
#define OPEN_MAX_REQUESTS 60
#define BOUNCES_MAX 64
static const char *const people[] = {ALICE, "bob.near", "carol.near", "dave.near"};
static const char *const payers[] = {ALICE, "bob.near", "nobody.near", "gone.near", "void.near"};
static const char *const owners[] = {OWNER, "heir.near"};
static const char *const workers[] = {OPERATOR, "worker2.near"};
#define PICK(array) (array)[dice(ARRAY_LEN(array))]

static struct {
    uint64_t seed;
    size_t step;
    u128 own;         // the contract's own money
    u128 payments;    // of pending requests
    u128 secrets;     // stakes
    u128 kept;        // refunds that came back
    u128 kept_for[5]; // by payers
    u128 fees, paid;  // charged, withdrawn
    uint64_t ends;
    unsigned owner; // of owners
    struct {
        uint64_t id;
        u128 payment;
        bool open;
    } requests[OPEN_MAX_REQUESTS];
    struct { // transfers whose watcher has not run
        char args[400];
        u128 amount;
    } watched[BOUNCES_MAX];
    size_t watched_count;
    size_t done, refused;  // calls
    size_t lent, not_lent; // outputs
    size_t migrated;
} w;

static uint64_t dice(uint64_t n) {
    w.seed ^= w.seed << 13;
    w.seed ^= w.seed >> 7;
    w.seed ^= w.seed << 17;
    return w.seed % n;
}

static void must(bool holds, const char *what) {
    if (!holds)
        fail_msg("step %zu: %s (%s)", w.step, what, mock.error);
}

// --- reading what a call did

static u128 amount_in(const char *line, const char *key) {
    struct yocto y;
    const char *at = strstr(line, key);
    must(at, key);
    at += strlen(key);
    must(yocto_parse(&y, (struct text){at, strspn(at, "0123456789")}), "an amount in an event");
    return y.v;
}

static size_t slot_of(uint64_t id) {
    for (size_t i = 0; i < OPEN_MAX_REQUESTS; i++)
        if (w.requests[i].open && w.requests[i].id == id)
            return i;
    must(false, "a request ended that was not open");
    return 0;
}

// An end: charge and refund are the payment; the refund is sent.
static u128 note_end(const char *line) {
    uint64_t id = (uint64_t)amount_in(line, "\"request_id\":");
    u128 charged = amount_in(line, "\"payment_charged\":\""), refunded = amount_in(line, "\"payment_refunded\":\"");
    size_t i = slot_of(id);
    must(charged + refunded == w.requests[i].payment, "charge and refund are not the payment");
    w.payments -= w.requests[i].payment;
    w.requests[i].open = false;
    w.fees += charged;
    w.ends += !strstr(line, "\"failure\":\"cancelled\"");
    return refunded;
}

static u128 note_ends(void) {
    u128 refunds = 0;
    for (size_t i = 0; i < mock.log_count; i++)
        if (strstr(mock.logs[i], "\"event\":\"execution_completed\""))
            refunds += note_end(mock.logs[i]);
    return refunds;
}

static u128 sent(void) {
    u128 all = 0;
    for (size_t i = 0; i < mock.receipt_count; i++)
        all += mock.receipts[i].amount;
    return all;
}

static void note_watchers(void) {
    for (size_t i = 0; i < mock.receipt_count; i++) {
        struct mock_receipt *r = &mock.receipts[i];
        if (r->kind != RECEIPT_CALL || strcmp(r->method, "on_refund_transferred") != 0)
            continue;
        must(w.watched_count < BOUNCES_MAX && r->after >= 0, "watchers");
        snprintf(w.watched[w.watched_count].args, sizeof w.watched[0].args, "%s", r->args);
        w.watched[w.watched_count++].amount = mock.receipts[r->after].amount;
    }
}

// A call that may end requests and sends their refunds and `other`.
static void settles(u128 other) {
    u128 refunds = note_ends();
    must(sent() == refunds + other, "what was sent is not what is said");
    note_watchers();
}

static bool does(const char *method, const char *caller, u128 deposit, const char *args) {
    bool ok = mock_call(method, caller, deposit, args);
    if (!ok)
        must(strstr(mock.error, "panicked: "), "stopped without a sentence");
    w.done += ok;
    w.refused += !ok;
    return ok;
}

// --- steps

static size_t free_slot(void) {
    for (size_t i = 0; i < OPEN_MAX_REQUESTS; i++)
        if (!w.requests[i].open)
            return i;
    return OPEN_MAX_REQUESTS;
}

static uint64_t any_open(void) {
    for (size_t tries = 0; tries < 2 * OPEN_MAX_REQUESTS; tries++) {
        size_t i = dice(OPEN_MAX_REQUESTS);
        if (w.requests[i].open)
            return w.requests[i].id;
    }
    return dice(1000);
}

static void step_request(void) {
    static const char *const more[] = {
        "", ",\"result_envelope\":true", ",\"input_data\":\"abc\"",
        ",\"secrets_ref\":{\"profile\":\"p\",\"account_id\":\"alice.near\"}",
        ",\"resource_limits\":{\"max_instructions\":1000000,\"max_execution_seconds\":1}"};
    char args[512], payer[64] = "";
    size_t slot = free_slot();
    u128 deposit = dice(2) ? 7 * MILLI_NEAR + dice(1000000) * (MILLI_NEAR / 1000000) : dice(20) * MILLI_NEAR;
    if (slot == OPEN_MAX_REQUESTS || mock.yield_count + 1 >= MOCK_MAX)
        return;
    if (dice(2))
        snprintf(payer, sizeof payer, ",\"payer_account_id\":\"%s\"", PICK(payers));
    snprintf(args, sizeof args, "{" SOURCE "%s%s}", PICK(more), payer);
    mock.prepaid_gas = (52 + dice(249)) * TGAS;
    if (does("request_execution", PICK(people), deposit, args)) {
        char *data = strstr(mock.receipts[0].args, "\"request_id\":");
        must(data && sent() == 0, "a request sends nothing");
        w.requests[slot].id = strtoull(data + 13, NULL, 10);
        w.requests[slot].payment = deposit;
        w.requests[slot].open = true;
        w.payments += deposit;
    }
    mock.prepaid_gas = 300 * TGAS;
}

static void step_answer(void) {
    static const char *const results[] = {"\"success\":true,\"output\":{\"Text\":\"hello\"}", "\"success\":true",
                                          "\"success\":false,\"error\":\"no\",\"failure\":\"guest\"",
                                          "\"success\":false,\"failure\":\"platform\"",
                                          "\"success\":false,\"failure\":\"access\""};
    char args[512];
    snprintf(args, sizeof args,
             "{\"request_id\":%llu,\"response\":{%s,\"resources_used\":{\"instructions\":%llu,\"time_ms\":%llu,"
             "\"compile_time_ms\":%llu}}}",
             (unsigned long long)any_open(), PICK(results), (unsigned long long)dice(20000000000),
             (unsigned long long)dice(100000), (unsigned long long)dice(400000));
    if (does("resolve_execution", dice(8) ? PICK(workers) : ALICE, 0, args))
        must(sent() == 0, "an answer sends nothing");
}

static u128 stake_of_request(size_t i) {
    uint8_t key[9] = {'r'};
    size_t request, output;
    memcpy(key + 1, &w.requests[i].id, 8);
    must(mock_stored(key, sizeof key, &request), "a request is not stored");
    key[0] = 'o';
    bool any = mock_stored(key, sizeof key, &output);
    return (request + 49 + (any ? output + 49 : 0)) * BYTE;
}

// One in forty is longer than many payments cover.
static void step_output(void) {
    static char args[41000], text[40001];
    size_t n = dice(40) ? dice(2000) : dice(40000);
    memset(text, 'x', n);
    text[n] = 0;
    snprintf(args, sizeof args, "{\"request_id\":%llu,\"output\":{\"Text\":\"%s\"}%s}", (unsigned long long)any_open(),
             text, dice(2) ? ",\"success\":true," USED : "");
    bool both = strstr(args, "success");
    uint64_t id = strtoull(args + 14, NULL, 10);
    if (does(both ? "submit_execution_output_and_resolve" : "submit_execution_output", PICK(workers), 0, args)) {
        must(sent() == 0, "an output sends nothing");
        w.lent += stake_of_request(slot_of(id)) > w.requests[slot_of(id)].payment;
    } else {
        w.not_lent += strstr(mock.error, "what is stored until the request ends needs") != NULL;
    }
}

static void step_extend(void) {
    char args[64];
    snprintf(args, sizeof args, "{\"request_id\":%llu}", (unsigned long long)any_open());
    does("extend_execution", PICK(workers), 0, args);
}

// The callback of some yield: resumed, timed out, or out of gas, which changes nothing.
static void step_callback(void) {
    if (!mock.yield_count)
        return;
    size_t i = dice(mock.yield_count);
    if (dice(20) == 0)
        mock.yields[i].done = true;
    else {
        must(mock_yield_end(i), "a callback failed");
        settles(0);
    }
    mock_forget_yields();
}

static void step_cancel(void) {
    char args[64];
    snprintf(args, sizeof args, "{\"request_id\":%llu}", (unsigned long long)any_open());
    mock.now_ns += dice(4) ? 0 : 700 * SECOND_NS;
    if (does(dice(2) ? "cancel_stale_execution" : "emergency_cancel_execution", dice(2) ? owners[w.owner] : ALICE, 0,
             args))
        settles(0);
}

static void step_clear(void) {
    char args[64];
    snprintf(args, sizeof args, "{\"limit\":%llu}", (unsigned long long)dice(12));
    if (does("clear_all_pending_requests", owners[w.owner], 0, args))
        settles(0);
}

static void step_secrets(void) {
    static const char *const names[] = {"\"repo\":\"github.com/a/b\",\"profile\":\"p\"",
                                        "\"repo\":\"github.com/a/c\",\"profile\":\"p\"",
                                        "\"repo\":\"github.com/a/b\",\"profile\":\"q\""};
    static const char *const branches[] = {"", ",\"branch\":\"main\"", ",\"branch\":\"dev\"", ",\"branch\":null"};
    static const char *const access[] = {"\"AllowAll\"", "{\"Whitelist\":{\"accounts\":[\"alice.near\",\"bob.near\"]}}",
                                         "{\"Not\":{\"condition\":\"AllowAll\"}}"};
    static const char *const methods[] = {"store_secrets", "update_access", "delete_secrets"};
    size_t kind = dice(3), n = 4 * (1 + dice(60));
    char args[1200], blob[300];
    memset(blob, 'A', n);
    blob[n] = 0;
    size_t at = (size_t)snprintf(args, sizeof args, "{%s%s", PICK(names), PICK(branches));
    if (kind == 0)
        at += (size_t)snprintf(args + at, sizeof args - at, ",\"encrypted_secrets_base64\":\"%s\"", blob);
    if (kind != 2)
        at += (size_t)snprintf(args + at, sizeof args - at, ",\"%s\":%s", kind ? "new_access" : "access", PICK(access));
    snprintf(args + at, sizeof args - at, "}");
    uint64_t usage = mock.usage;
    u128 deposit = kind == 2 ? 0 : dice(3) * (5 * MILLI_NEAR) + dice(5 * 1000000) * (MILLI_NEAR / 1000000);
    if (!does(methods[kind], PICK(people), deposit, args))
        return;
    must(deposit - sent() == (u128)(mock.usage - usage) * BYTE || sent() - deposit == (u128)(usage - mock.usage) * BYTE,
         "a secret's bytes are not what was paid");
    w.secrets += deposit - sent();
}

static void step_settings(void) {
    char args[200];
    const char *owner = owners[w.owner];
    switch (dice(6)) {
    case 0:
        snprintf(args, sizeof args, "{\"base_fee\":\"%llu000000000000\",\"per_ms_fee\":\"%llu\"}",
                 (unsigned long long)dice(3000000000), (unsigned long long)dice(200000000000000000));
        does("set_pricing", owner, 0, args);
        break;
    case 1: does("set_paused", owner, 0, dice(10) ? "{\"paused\":false}" : "{\"paused\":true}"); break;
    case 2: does(dice(2) ? "add_operator" : "remove_operator", owner, 0, "{\"account_id\":\"worker2.near\"}"); break;
    case 3:
        snprintf(args, sizeof args, "{\"new_owner_id\":\"%s\"}", owners[1 - w.owner]);
        does("set_owner", owner, 0, args);
        if (does("accept_owner", owners[1 - w.owner], 0, ""))
            w.owner = 1 - w.owner;
        break;
    case 4:
        does("set_keystore_key", owner, 0,
             dice(2) ? "{\"public_key\":null}"
                     : "{\"public_key\":\"ed25519:6E8sCci9badyRkXb3JoRpBj5p8C6Tw41ELDZoiihKEtp\"}");
        break;
    default: does("set_operator", owner, 0, "{\"new_operator_id\":\"" OPERATOR "\"}"); break;
    }
    must(sent() == 0, "settings send nothing");
}

static void step_withdraw(void) {
    char args[100] = "{}";
    u128 left = w.fees - w.paid, amount = left;
    if (dice(2)) {
        amount = dice(3) * (MILLI_NEAR / 10);
        snprintf(args, sizeof args, "{\"amount\":\"%s\"}", amount_text(amount));
    }
    if (does("withdraw_fees", dice(5) ? owners[w.owner] : ALICE, 0, args)) {
        must(amount <= left && sent() == amount, "fees that were not earned");
        w.paid += amount;
    }
}

static size_t payer_in(const char *args) {
    for (size_t i = 0; i < ARRAY_LEN(payers); i++) {
        char member[64];
        snprintf(member, sizeof member, "\"payer_account_id\":\"%s\"", payers[i]);
        if (strstr(args, member))
            return i;
    }
    must(false, "a refund of nobody's");
    return 0;
}

// A watched transfer has arrived, or has come back.
static void step_watcher(void) {
    if (!w.watched_count)
        return;
    size_t i = dice(w.watched_count);
    u128 amount = w.watched[i].amount;
    bool back = dice(2);
    mock.balance += back ? amount : 0;
    must(mock_callback("on_refund_transferred", w.watched[i].args, back ? NULL : ""), "a watcher failed");
    must(sent() == 0 || (back && sent() == amount), "a watcher sends all or nothing");
    w.kept += back ? amount - sent() : 0;
    w.kept_for[payer_in(w.watched[i].args)] += back ? amount - sent() : 0;
    w.watched[i] = w.watched[--w.watched_count];
}

static void step_claim(void) {
    char args[100];
    snprintf(args, sizeof args, "{\"account_id\":\"%s\"}", PICK(payers));
    if (does("claim_refund", PICK(people), 0, dice(2) ? args : "{}")) {
        w.kept -= sent();
        for (size_t i = 0; i < ARRAY_LEN(payers); i++)
            if (strcmp(mock.receipts[0].to, payers[i]) == 0)
                w.kept_for[i] = 0;
        note_watchers();
    }
}

// The state as the version before this one left it: without what is owed, which was the last member. It does not find
// refunds that were kept before, so there are none.
static void put_older_state(void) {
    size_t len;
    uint8_t bytes[512];
    u128 owed = w.payments + (w.fees - w.paid);
    const char *now = mock_stored("STATE", 5, &len);
    must(len < sizeof bytes, "the state's length");
    memcpy(bytes, now, len);
    bytes[0] = STATE_VERSION - 1;
    for (len--; owed; owed >>= 8)
        len--;
    mock_store("STATE", 5, bytes, len);
}

static void put_older_requests(void) {
    uint8_t key[9] = {'r'}, bytes[2048];
    for (size_t i = 0; i < OPEN_MAX_REQUESTS; i++) {
        size_t len;
        memcpy(key + 1, &w.requests[i].id, 8);
        const char *now = w.requests[i].open ? mock_stored(key, sizeof key, &len) : NULL;
        if (!now)
            continue;
        memcpy(bytes, now, len);
        bytes[0] = STATE_VERSION - 1;
        mock_store(key, sizeof key, bytes, len);
    }
}

static void step_upgrade(void) {
    static const char code[] = "\0asm\1\0\0\0\0";
    char args[128];
    size_t len;
    must(mock_call_bytes("upgrade", owners[w.owner], 0, code, sizeof code), "upgrade");
    snprintf(args, sizeof args, "%s", mock.receipts[0].call_args);
    bool older = w.kept == 0;
    if (older) {
        put_older_state();
        put_older_requests();
        must(!mock_call("set_paused", owners[w.owner], 0, "{\"paused\":false}"), "older state was taken");
    }
    must(mock_callback("migrate", args, ""), "migrate");
    must(mock_stored("STATE", 5, &len)[0] == STATE_VERSION, "the state's version");
    w.migrated += older;
}

static void step_nonsense(void) {
    static const char *const methods[] = {
        "resolve_execution", "store_secrets",         "withdraw_fees",        "migrate",
        "set_pricing",       "on_execution_response", "on_refund_transferred"};
    static const char *const args[] = {"", "{", "{\"request_id\":-1}", "{\"amount\":\"1\"}", "[]"};
    u128 before = mock.balance;
    must(!mock_call(PICK(methods), "mallory.near", dice(2) * MILLI_NEAR, PICK(args)), "nonsense was taken");
    must(mock.balance == before, "a refused call moved money");
}

// --- the whole

static u128 claimable(void) {
    u128 all = 0;
    for (size_t i = 0; i < ARRAY_LEN(payers); i++) {
        char args[100];
        snprintf(args, sizeof args, "{\"account_id\":\"%s\"}", payers[i]);
        must(mock_view("get_claimable", args), "get_claimable");
        all += amount_in(mock.value, "\"");
    }
    return all;
}

// The list of pending requests is complete: one that is not found could not be cleared.
static void check_pending(void) {
    must(mock_view("get_pending_request_ids", ""), "get_pending_request_ids");
    size_t listed = 0, open = 0;
    for (char *p = mock.value + 1; *p >= '0' && *p <= '9'; p += *p == ',') {
        slot_of(strtoull(p, &p, 10));
        listed++;
    }
    for (size_t i = 0; i < OPEN_MAX_REQUESTS; i++)
        open += w.requests[i].open;
    must(listed == open, "a pending request is not listed");
}

static uint64_t record_bytes(const void *key, size_t key_len) {
    size_t len;
    return mock_stored(key, key_len, &len) ? RECORD_BYTES + key_len + len : 0;
}

// What the account's state is, of all kinds of records: an account without any has 182 bytes.
static uint64_t expected_usage(void) {
    uint64_t bytes = 182 + (uint64_t)(w.secrets / BYTE) + record_bytes("STATE", 5) + record_bytes("OPERATORS", 9) +
                     record_bytes("KEYSTORE", 8);
    for (size_t i = 0; i < OPEN_MAX_REQUESTS; i++)
        bytes += w.requests[i].open ? (uint64_t)(stake_of_request(i) / BYTE) : 0;
    for (size_t i = 0; i < ARRAY_LEN(payers); i++)
        bytes += w.kept_for[i] ? RECORD_BYTES + 1 + strlen(payers[i]) + 16 : 0;
    return bytes;
}

static void check_books(void) {
    u128 owed = w.payments + w.secrets + w.kept + (w.fees - w.paid), covered = 0;
    if (mock.balance != w.own + owed)
        fail_msg("step %zu: the balance is %s, not %s", w.step, amount_text(mock.balance), amount_text(w.own + owed));
    for (size_t i = 0; i < OPEN_MAX_REQUESTS; i++) {
        u128 stake = w.requests[i].open ? stake_of_request(i) : 0, payment = w.requests[i].payment;
        covered += stake < payment ? stake : payment;
    }
    must((u128)mock.usage * BYTE <= w.own + w.secrets + w.kept + covered, "state on users' money");
    must(mock.usage == expected_usage(), "a record that should not be there, or one too few");
    if (w.step % 32 != 0)
        return;
    char want[100];
    snprintf(want, sizeof want, "[%llu,\"%s\"]", (unsigned long long)w.ends, amount_text(w.fees));
    views("get_stats", "", want);
    must(claimable() == w.kept, "claimable");
    check_pending();
    must((u128)mock_usage_of("sxugb") * BYTE == w.secrets, "secrets bind other bytes than were paid for");
}

static void take_step(void) {
    static void (*const steps[])(void) = {step_request, step_request, step_request,  step_answer,   step_answer,
                                          step_output,  step_extend,  step_callback, step_callback, step_callback,
                                          step_cancel,  step_secrets, step_secrets,  step_settings, step_withdraw,
                                          step_watcher, step_watcher, step_claim,    step_nonsense};
    mock.now_ns += dice(5) * SECOND_NS;
    uint64_t rare = dice(300);
    if (rare == 0)
        step_clear();
    else if (rare == 1)
        step_upgrade();
    else
        PICK(steps)();
}

static void take_all_steps(u128 own) {
    const char *seed = getenv("SEED");
    memset(&w, 0, sizeof w);
    w.seed = seed ? strtoull(seed, NULL, 10) : 20261124;
    w.own = mock.balance = own;
    calls("add_operator", OWNER, 0, "{\"account_id\":\"worker2.near\"}");
    for (w.step = 0; w.step < STEPS; w.step++) {
        take_step();
        check_books();
    }
    print_message("%zu calls done, %zu refused, %zu requests ended, %zu outputs lent, %zu not, %zu migrations\n",
                  w.done, w.refused, (size_t)w.ends, w.lent, w.not_lent, w.migrated);
    assert_true(w.ends > STEPS / 30 && w.done > w.refused / 3 && w.migrated > 5); // the steps do something
}

static void money_is_conserved(void **state) {
    (void)state;
    take_all_steps(100 * NEAR);
    assert_true(w.lent > 100 && w.not_lent == 0);
}

static void money_is_conserved_with_little(void **state) {
    (void)state;
    take_all_steps(NEAR / 10);
    assert_true(w.lent > 100 && w.not_lent > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(money_is_conserved), TEST(money_is_conserved_with_little)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
