// SPDX-License-Identifier: Apache-2.0
// outlayer collateral fetch: gets what is newest from all servers and keeps it in a file.
#include "cli/collateral_chain.h"

#include "base/file.h"
#include "cli/commands.h"
#include "collateral/moment.h"
#include <inttypes.h>

static json_t *sets_json(const struct fetched *f, uint64_t now) {
    if (!f->sets_known)
        return json_null();
    const struct tcb_set *standard = tcb_sets_standard(&f->sets, now);
    json_t *j = json_object();
    if (standard)
        json_set_u64(j, "standard", standard->number);
    json_set_u64(j, "early", tcb_sets_early(&f->sets)->number);
    return j;
}

static void sets_print(const struct fetched *f, const char *set, uint64_t now) {
    const struct tcb_set *standard = tcb_sets_standard(&f->sets, now);
    uint64_t has = f->facts[COLLATERAL_TCB_INFO].number;
    char text[MOMENT_TEXT];
    if (!f->sets_known || !standard)
        return;
    uint64_t until = tcb_sets_standard_until(&f->sets, standard->number);
    printf("sets        standard is %" PRIu64 ", the newest %" PRIu64, standard->number,
           tcb_sets_early(&f->sets)->number);
    if (until)
        printf("; the next one becomes standard on %.10s", moment_text(until, text));
    printf("\n");
    if (strcmp(set, "standard") == 0 && f->from[COLLATERAL_TCB_INFO] && has != standard->number)
        fprintf(stderr, "note        no server has TCB info of the standard set; this is of set %" PRIu64 "\n", has);
}

static json_t *fetch_json(const struct fetched *f, const struct collateral_merge *m, const char *path, uint64_t now) {
    json_t *j = json_object(), *parts = parts_json(m->facts, now);
    json_set_text(j, "file", path);
    json_object_set_new(j, "sets", sets_json(f, now));
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++) {
        json_t *one = json_object_get(parts, collateral_part_name(p));
        json_set_text(one, "from", f->from[p]);
        json_object_set_new(one, "changed", json_boolean(m->changed[p]));
    }
    json_object_set_new(j, "parts", parts);
    return j;
}

static void show(struct collateral_job *j, const struct fetched *f, const struct collateral_merge *m, const char *path,
                 const char *set) {
    if (j->o->json) {
        SCOPED_JSON(out) = fetch_json(f, m, path, j->attest.now);
        print_json_line(j->a, out);
        return;
    }
    printf("collateral  %s\n", path);
    parts_print(j->a, m->facts, j->attest.now);
    sets_print(f, set, j->attest.now);
}

// Where --out names no file, its folder is ours.
static bool file_for(struct collateral_job *j, const struct quote_platform *p, const char *set, const char **path,
                     struct err *e) {
    const char *folder;
    *path = j->o->out;
    if (*path)
        return true;
    if (!job_folder(j, &folder, e) || !file_make_dirs(folder, 0755, e))
        return false;
    *path = job_file(j->a, folder, p, set);
    return true;
}

// What could be had is kept also where something could not.
static bool fetch(struct collateral_job *j, struct err *e) {
    const char *set = j->o->set ? j->o->set : "standard", *path;
    struct quote_platform p;
    struct fetched got;
    struct collateral_merge merged;
    uint64_t number;
    if (!pcs_set_read(set, &number, e) || !job_platform(j, &p, e) || !file_for(j, &p, set, &path, e))
        return false;
    struct err why;
    bool all = job_fetch(j, &p, set, &got, &why);
    fetch_notes_show(&got);
    if (!collateral_merge_file(&merged, j->a, path, &got.c, got.facts, &j->attest.trust, j->attest.now, e))
        return false;
    show(j, &got, &merged, path, set);
    if (!all)
        *e = why;
    return all;
}

// A register contract says which root is trusted and what time it is; without an answer of it Intel's root and this
// machine's clock serve.
bool collateral_run_fetch(struct collateral_job *j, struct err *e) {
    struct collateral_chain c;
    struct err why;
    if (!chain_open(&c, j, false, &why))
        fprintf(stderr, "note        the register contract was not asked: %s\n", printable_line(j->a, why.msg));
    bool ok = fetch(j, e);
    chain_close(&c);
    return ok;
}
