// SPDX-License-Identifier: Apache-2.0
#include "kit.h"

#define ARGS_MAX 200000

int deployed(void **state) {
    (void)state;
    static char args[512];
    mock_reset(SELF);
    snprintf(mock.chain_id, sizeof mock.chain_id, CHAIN);
    mock.random_seed[0] = 1;
    sample_make(&(struct sample){.now = seconds()});
    snprintf(args, sizeof args,
             "{\"owner_id\":\"" OWNER "\",\"init_worker_account\":\"" REGISTRAR "\",\"outlayer_contract_id\":\"" MAIN
             "\",\"min_tcb_eval\":17,\"min_qe_eval\":17,\"root_public_key\":\"%s\"}",
             sample_root);
    calls("new", OWNER, 0, args);
    return 0;
}

int ended(void **state) {
    sample_release();
    return released(state);
}

int64_t seconds(void) { return (int64_t)(mock.now_ns / SECOND_NS); }

void passes(uint64_t s) {
    mock.now_ns += s * SECOND_NS;
    mock.random_seed[0]++;
}

const char *key_text(uint8_t number) {
    static char texts[8][PUBLIC_KEY_TEXT_MAX + 1];
    static unsigned next;
    char *out = texts[next++ % 8];
    struct public_key k = {{0}};
    memset(k.b + 1, number, HASH_SIZE);
    struct text t = public_key_text(&k, out);
    out[t.len] = 0;
    return out;
}

const char *register_hex(unsigned i) {
    static char texts[8][97];
    static unsigned next;
    char *out = texts[next++ % 8];
    for (int k = 0; k < 48; k++)
        snprintf(out + 2 * k, 3, "%02x", sample_registers[i][k]);
    return out;
}

const char *measurements(void) {
    static char text[700];
    snprintf(text, sizeof text, "{\"mrtd\":\"%s\",\"rtmr0\":\"%s\",\"rtmr1\":\"%s\",\"rtmr2\":\"%s\",\"rtmr3\":\"%s\"}",
             register_hex(0), register_hex(1), register_hex(2), register_hex(3), register_hex(4));
    return text;
}

void approves(void) {
    char args[800];
    snprintf(args, sizeof args, "{\"measurements\":%s}", measurements());
    calls("add_approved_measurements", OWNER, 0, args);
}

void quotes(uint8_t key, struct sample *s) {
    uint8_t data[64], bytes[32], challenge[32];
    calls("new_challenge", ALICE, 0, "");
    for (int i = 0; i < 32; i++)
        sscanf(strstr(mock.value, ":\"") + 2 + 2 * i, "%2hhx", &challenge[i]);
    memset(bytes, key, sizeof bytes);
    struct sample_claim c = {CHAIN, SELF, MAIN, bytes, challenge, NULL, NULL};
    sample_claim(data, &c);
    if (!s->report_data)
        s->report_data = data;
    s->now = s->now ? s->now : seconds();
    sample_make(s);
    s->report_data = s->report_data == data ? NULL : s->report_data;
}

const char *registration(uint8_t key, const char *more) {
    static char args[2 * ARGS_MAX];
    snprintf(args, sizeof args, "{\"public_key\":\"%s\",\"tdx_quote_hex\":\"%s\"%s}", key_text(key), sample_quote,
             more);
    return args;
}

const char *with_collateral(void) {
    static char args[ARGS_MAX];
    snprintf(args, sizeof args, ",\"collateral\":%s", sample_collateral);
    return args;
}

void registers(uint8_t key) {
    quotes(key, &(struct sample){0});
    calls("register_worker_key", REGISTRAR, 0, registration(key, with_collateral()));
}
