// SPDX-License-Identifier: Apache-2.0
// `outlayer tee register`: makes, registers and renews this machine's key.
#include "base/file.h"
#include "cli/commands.h"
#include "cli/tee_collateral.h"
#include "collateral/moment.h"

static void show_step(void *ctx, enum registration_step step, const char *detail) {
    static const char *const names[] = {[STEP_KEY] = "key",
                                        [STEP_CHALLENGE] = "challenge",
                                        [STEP_QUOTE] = "quote",
                                        [STEP_CHECK] = "checked",
                                        [STEP_SEND] = "registering"};
    const struct tee_job *j = ctx;
    fprintf(stderr, "%-13s %s\n", names[step], printable_line(j->a, detail));
}

static const char *const ends[] = {
    [REGISTRATION_NEW] = "registered", [REGISTRATION_RENEWED] = "renewed", [REGISTRATION_KEPT] = "kept"};

static void show_result(struct tee_job *j, const struct registration_result *r, uint64_t now) {
    char until[MOMENT_TEXT], left[MOMENT_TEXT];
    const char *key = public_key_text(j->a, &r->key);
    json_t *result = json_object();
    json_set_text(result, "result", ends[r->end]);
    json_set_text(result, "public_key", key);
    json_set_text(result, "key_file", j->key_path);
    json_set_text(result, "register_contract_id", j->registry.account.s);
    json_object_set_new(result, "simulated", json_boolean(j->config.simulated));
    json_set_u64(result, "registered_at", r->record.registered_at);
    json_set_u64(result, "renewed_at", r->record.renewed_at);
    json_set_u64(result, "valid_until", r->record.valid_until);
    json_set_text(result, "tcb_status", r->record.tcb_status);
    json_object_set_new(result, "with_collateral", json_boolean(r->with_collateral));
    json_set_text(result, "transaction_hash", r->transaction);
    if (!j->o->json)
        printf("%-13s %s%s\n%-13s %s, which is %s\n", ends[r->end], key,
               j->config.simulated ? " (simulated: this proves nothing)" : "", "valid until",
               moment_text(r->record.valid_until, until),
               r->record.valid_until > now ? span_text(r->record.valid_until - now, left) : "over");
    tee_finish(j, result);
}

bool tee_run_register(struct tee_job *j, struct err *e) {
    struct registration_result result;
    uint64_t now;
    if (!tee_open_register(j, e) || !tee_check_sources(j, e) || !tee_open_payer(j, NULL, e) || !tee_open_agent(j, e))
        return false;
    char *folder = arena_strdup(j->a, j->key_path), *slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    if (!j->o->key && !file_make_dirs(folder, 0700, e))
        return false;
    const struct registration r = {.registry = j->registry,
                                   .config = j->config,
                                   .network = j->network,
                                   .agent = &j->agent,
                                   .key_path = j->key_path,
                                   .renew = j->o->renew,
                                   .new_key = j->o->new_key,
                                   .collateral = tee_find_collateral,
                                   .say = show_step,
                                   .ctx = j};
    if (!registration_run(&r, j->a, &result, e) || !registry_now(&j->registry, j->a, &now, e))
        return false;
    show_result(j, &result, now);
    return true;
}
