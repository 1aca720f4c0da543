// SPDX-License-Identifier: Apache-2.0
// `outlayer secrets audit`: who asked for one's secrets, when, and the verdict, as the keystore's audit log has it. The
// account's key signs the question, the keystore signs the answer, and nobody between them leaves a line out unseen.
#include "cli/account_ask.h"
#include "cli/commands.h"
#include "cli/secrets_job.h"
#include "codec/hex.h"

#define LINES_MAX 10000

static bool not_signed(const struct secrets_job *j, struct err *e) {
    err_set(e, ERR_FORBIDDEN, "the page is not signed by the keystore that %s names: lines may be left out or made up",
            j->target.contract);
    return err_hint(e, "do not use this coordinator (%s)", j->target.coordinator_url);
}

static bool read_lines(struct secrets_job *j, const json_t *answer, const char ***out, size_t *count, struct err *e) {
    json_t *list;
    if (!json_get_array(answer, "lines", &list, e))
        return err_wrap(e, "the keystore's answer");
    *count = json_array_size(list);
    if (*count > LINES_MAX)
        return err_set(e, ERR_CORRUPT, "the keystore's answer has more than %d lines", LINES_MAX);
    *out = arena_calloc(j->a, *count + 1, sizeof **out);
    for (size_t i = 0; i < *count; i++)
        if (!((*out)[i] = json_string_value(json_array_get(list, i))))
            return err_set(e, ERR_CORRUPT, "a line of the keystore's answer is no text");
    return true;
}

static bool check_page(struct secrets_job *j, const json_t *answer, const uint8_t nonce[static NONCE_SIZE],
                       struct err *e) {
    const char **lines = NULL, *text = json_string_value(json_object_get(answer, "signature"));
    size_t count = 0;
    uint64_t next = 0;
    struct signature s;
    if (!read_lines(j, answer, &lines, &count, e) || !json_opt_u64(answer, "next", &next, e))
        return false;
    const struct audit_terms terms = {.network = j->target.network,
                                      .contract = j->target.contract,
                                      .owner = j->from.account.s,
                                      .nonce = nonce,
                                      .before = j->o->before.v,
                                      .next = next};
    struct hash record = audit_record(&terms, lines, count);
    bool good = text && signature_parse(&s, slice_str(text), NULL) &&
                signature_verify(&s, &j->remote.identity, hash_slice(&record));
    return good || not_signed(j, e);
}

// --- for people

// Names in the log are strangers' words.
static const char *part(struct secrets_job *j, const json_t *line, const char *name, const char *before) {
    const char *text = json_string_value(json_object_get(line, name));
    return text ? arena_printf(j->a, "%s%s", before, printable_line(j->a, text)) : "";
}

static void show_line(struct secrets_job *j, const char *text) {
    uint64_t request;
    SCOPED_JSON(line) = json_parse(slice_str(text), JSON_MAX_BYTES, NULL);
    if (!json_is_object(line)) {
        printf("%s\n", printable_line(j->a, text));
        return;
    }
    printf("%s%s%s", part(j, line, "time", ""), part(j, line, "what", "  "), part(j, line, "verdict", " "));
    if (json_get_u64(line, "request_id", &request, NULL))
        printf(" of request %llu", (unsigned long long)request);
    printf("%s%s%s%s%s%s\n", part(j, line, "caller", " by "), part(j, line, "account", " through worker "),
           part(j, line, "repo", ": "), part(j, line, "branch", " branch "), part(j, line, "profile", " profile "),
           part(j, line, "why", ": "));
}

static void show_page(struct secrets_job *j, const json_t *answer) {
    const json_t *lines = json_object_get(answer, "lines"), *line;
    uint64_t next = 0;
    size_t i;
    json_array_foreach(lines, i, line)
        show_line(j, json_string_value(line));
    if (!json_array_size(lines))
        printf("nobody asked for secrets of %s%s\n", j->from.account.s, j->o->before.given ? " before that" : "");
    if (json_opt_u64(answer, "next", &next, NULL) && next)
        fprintf(stderr, "older lines: --before %llu\n", (unsigned long long)next);
}

bool secrets_run_audit(struct secrets_job *j, struct err *e) {
    uint8_t nonce[NONCE_SIZE];
    random_bytes(nonce, sizeof nonce);
    SCOPED_JSON(answer) = NULL;
    SCOPED_JSON(body) = json_pack("{s:s}", "nonce", hex_text(j->a, slice_of(nonce, sizeof nonce)));
    if (j->o->before.given)
        json_set_u64(body, "before", j->o->before.v);
    const struct account_question q = {"POST", "/secrets/audit", "show who asked for secrets", body};
    if (!remote_identity(&j->remote, e) || !account_ask(j->a, &j->target, &j->from, &q, &answer, e) ||
        !check_page(j, answer, nonce, e))
        return false;
    if (j->o->json)
        print_json_line(j->a, answer);
    else
        show_page(j, answer);
    return true;
}
