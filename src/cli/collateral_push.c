// SPDX-License-Identifier: Apache-2.0
// outlayer collateral push: brings what is newer than what the register contract has.
#include "cli/collateral_push.h"

#include "cli/commands.h"
#include "collateral/moment.h"

// A part that the contract would refuse is left out, with a word about why.
static bool wants(const struct kept_parts *k, enum collateral_part p, const struct collateral_facts *f,
                  const char *path) {
    const char *name = collateral_part_name(p);
    if (!f->good) {
        fprintf(stderr, "note        %s of %s is left out: %s\n", name, path, f->why.msg);
        return false;
    }
    switch (kept_compare(k, p, f)) {
    case KEPT_WANTED: return true;
    case KEPT_KNOWN: return false;
    case KEPT_NEWER: fprintf(stderr, "note        %s of %s is older than the contract's\n", name, path); return false;
    case KEPT_ASIDE:
        fprintf(stderr, "note        %s of %s is of a set above the two that are kept: the owner raises the minimum\n",
                name, path);
        return false;
    }
    return false;
}

static bool push_file(struct collateral_chain *c, struct collateral_job *j, const struct kept_parts *k,
                      const char *path, json_t *out, struct err *e) {
    struct collateral from;
    struct push_result r = {0};
    struct collateral_facts facts[COLLATERAL_PARTS];
    if (!collateral_load(&from, j->a, path, e))
        return false;
    collateral_judge(facts, &from, &from, &j->attest.trust, j->attest.now);
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++)
        r.parts[p] = wants(k, p, &facts[p], path);
    if (!push_parts(c, j, &from, &r, e))
        return err_wrap(e, "%s", path);
    push_report(j, &r, path, out);
    return true;
}

bool push_parts(struct collateral_chain *c, struct collateral_job *j, const struct collateral *from,
                struct push_result *r, struct err *e) {
    bool any = false;
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++)
        any = any || r->parts[p];
    r->transaction = NULL;
    return !any || chain_push(c, j, from, r->parts, &r->transaction, e);
}

void push_report(const struct collateral_job *j, const struct push_result *r, const char *path, json_t *out) {
    json_t *one = json_object(), *parts = json_array();
    const char *between = "";
    if (!j->o->json)
        printf("%s: ", path);
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++) {
        if (!r->parts[p])
            continue;
        json_array_append_new(parts, json_string(collateral_part_name(p)));
        if (!j->o->json)
            printf("%s%s", between, collateral_part_name(p));
        between = ", ";
    }
    if (!j->o->json)
        printf("%s\n", r->transaction ? " pushed" : "the contract has nothing older");
    json_set_text(one, "file", path);
    json_object_set_new(one, "pushed", parts);
    json_set_text(one, "transaction_hash", r->transaction);
    json_array_append_new(out, one);
}

static bool any_pushed(const json_t *reports) {
    const json_t *one;
    size_t i;
    json_array_foreach(reports, i, one)
        if (json_is_string(json_object_get(one, "transaction_hash")))
            return true;
    return false;
}

static bool push_files(struct collateral_chain *c, struct collateral_job *j, json_t *out, struct err *e) {
    struct job_files files;
    struct kept_parts *k = arena_alloc(j->a, sizeof *k);
    if (!job_list_files(j, &files, e))
        return false;
    for (size_t i = 0; i < files.count; i++) // after each, what is kept is another
        if (!chain_kept(c, j, k, e) || !push_file(c, j, k, files.at[i], out, e))
            return false;
    return true;
}

bool collateral_run_push(struct collateral_job *j, struct err *e) {
    struct collateral_chain c;
    SCOPED_JSON(out) = json_array();
    bool ok = chain_open(&c, j, true, e) && push_files(&c, j, out, e);
    if (ok && j->o->json)
        print_json_line(j->a, out);
    if (ok && any_pushed(out))
        fprintf(stderr, "note        registered keys are judged by it once `outlayer tee recheck` is called; `outlayer "
                        "collateral watch` does that by itself\n");
    chain_close(&c);
    return ok;
}
