// SPDX-License-Identifier: Apache-2.0
// outlayer collateral status: how long each part of what is kept lasts.
#include "cli/collateral_chain.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "collateral/moment.h"
#include <dirent.h>
#include <inttypes.h>

static const char *alarm_of(const struct collateral_facts *f, uint64_t now) {
    uint64_t left = f->good && f->expires > now ? f->expires - now : 0;
    return left < ALARM_DAYS * DAY_S ? "alarm" : left < WARN_DAYS * DAY_S ? "warning" : "ok";
}

void parts_print(struct arena *a, const struct collateral_facts facts[static COLLATERAL_PARTS], uint64_t now) {
    char issued[MOMENT_TEXT], end[MOMENT_TEXT], left[MOMENT_TEXT], set[32];
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++) {
        const struct collateral_facts *f = &facts[p];
        if (!f->good) {
            printf("  %-12s %s\n", collateral_part_name(p), printable(a, slice_str(f->why.msg)));
            continue;
        }
        set[0] = 0;
        if (f->number)
            snprintf(set, sizeof set, " set %" PRIu64, f->number);
        const char *alarm = alarm_of(f, now);
        printf("  %-12s %-12s%-8s issued %.10s, until %.10s: %s left%s%s\n", collateral_part_name(p), f->id, set,
               moment_text(f->issued, issued), moment_text(f->expires, end), span_text(f->expires - now, left),
               strcmp(alarm, "ok") == 0 ? "" : "  ", strcmp(alarm, "ok") == 0 ? "" : alarm);
    }
}

static json_t *part_json(const struct collateral_facts *f, uint64_t now) {
    json_t *j = json_object();
    char text[MOMENT_TEXT];
    json_object_set_new(j, "good", json_boolean(f->good));
    json_set_text(j, "alarm", alarm_of(f, now));
    if (!f->good) {
        json_set_text(j, "code", dcap_code_name(f->fault.code));
        json_set_text(j, "message", f->why.msg);
        return j;
    }
    json_set_text(j, "id", f->id);
    if (f->number)
        json_set_u64(j, "set", f->number);
    json_set_text(j, "issued", moment_text(f->issued, text));
    json_set_text(j, "expires", moment_text(f->expires, text));
    json_object_set_new(j, "days_left", json_real((double)(f->expires - now) / DAY_S));
    return j;
}

json_t *parts_json(const struct collateral_facts facts[static COLLATERAL_PARTS], uint64_t now) {
    json_t *j = json_object();
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++)
        json_object_set_new(j, collateral_part_name(p), part_json(&facts[p], now));
    return j;
}

// --- files

static int by_name(const void *x, const void *y) { return strcmp(*(const char *const *)x, *(const char *const *)y); }

bool job_list_files(struct collateral_job *j, struct job_files *out, struct err *e) {
    const char *folder;
    out->count = 0;
    if (j->o->file) {
        out->at[out->count++] = j->o->file;
        return true;
    }
    if (!job_folder(j, &folder, e))
        return false;
    DIR *d = opendir(folder);
    for (const struct dirent *x; d && out->count < JOB_FILES_MAX && (x = readdir(d));) {
        size_t n = strlen(x->d_name);
        if (n > 5 && strcmp(x->d_name + n - 5, ".json") == 0)
            out->at[out->count++] = arena_printf(j->a, "%s/%s", folder, x->d_name);
    }
    if (d)
        closedir(d);
    qsort(out->at, out->count, sizeof out->at[0], by_name);
    if (out->count)
        return true;
    err_set(e, ERR_NOT_FOUND, "no collateral is kept in '%s'", folder);
    return err_hint(e, "outlayer collateral fetch QUOTE");
}

static bool show_file(struct collateral_job *j, const char *path, json_t *all, struct err *e) {
    struct collateral c;
    struct collateral_facts facts[COLLATERAL_PARTS];
    if (!collateral_load(&c, j->a, path, e))
        return false;
    collateral_judge(facts, &c, &c, &j->attest.trust, j->attest.now);
    if (j->o->json) {
        json_t *one = json_object();
        json_set_text(one, "file", path);
        json_object_set_new(one, "parts", parts_json(facts, j->attest.now));
        json_array_append_new(all, one);
        return true;
    }
    printf("%s\n", path);
    parts_print(j->a, facts, j->attest.now);
    return true;
}

// --- the chain

static void kept_print(const struct kept_part *k, uint64_t now) {
    char issued[MOMENT_TEXT], end[MOMENT_TEXT], left[MOMENT_TEXT], set[32] = "";
    if (k->number)
        snprintf(set, sizeof set, " set %" PRIu64, k->number);
    printf("  %-12s %-12s%-8s issued %.10s, ", collateral_part_name(k->part), k->id, set,
           moment_text(k->issued, issued));
    if (!k->until)
        printf("not in force\n");
    else if (k->until < now)
        printf("ended %.10s  alarm\n", moment_text(k->until, end));
    else
        printf("until %.10s: %s left%s\n", moment_text(k->until, end), span_text(k->until - now, left),
               k->until - now < ALARM_DAYS * DAY_S  ? "  alarm"
               : k->until - now < WARN_DAYS * DAY_S ? "  warning"
                                                    : "");
}

static json_t *kept_json(const struct kept_part *k, uint64_t now) {
    json_t *j = json_object();
    char text[MOMENT_TEXT];
    json_set_text(j, "part", collateral_part_name(k->part));
    json_set_text(j, "id", k->id);
    if (k->number)
        json_set_u64(j, "set", k->number);
    json_set_text(j, "issued", moment_text(k->issued, text));
    json_object_set_new(j, "in_force", json_boolean(k->until != 0));
    if (k->until) {
        json_set_text(j, "expires", moment_text(k->until, text));
        json_object_set_new(j, "days_left", json_real(((double)k->until - (double)now) / DAY_S));
    }
    return j;
}

static bool show_chain(struct collateral_chain *c, struct collateral_job *j, json_t *out, struct err *e) {
    struct kept_parts *k = arena_alloc(j->a, sizeof *k);
    if (!chain_kept(c, j, k, e))
        return false;
    json_t *parts = json_array();
    if (!j->o->json)
        printf("register contract %s\n%s", c->target.contract, k->count ? "" : "  it has no collateral\n");
    for (size_t i = 0; i < k->count; i++) {
        json_array_append_new(parts, kept_json(&k->at[i], j->attest.now));
        if (!j->o->json)
            kept_print(&k->at[i], j->attest.now);
    }
    json_t *chain = json_object();
    json_set_text(chain, "register_contract_id", c->target.contract);
    json_object_set_new(chain, "parts", parts);
    json_object_set_new(out, "chain", chain);
    return true;
}

// Without a register contract the files are all there is; with one they may be missing.
static bool show_all(struct collateral_chain *c, struct collateral_job *j, json_t *out, struct err *e) {
    struct job_files files;
    struct err none;
    if (!job_list_files(j, &files, &none) && (!c->known || none.code != ERR_NOT_FOUND)) {
        *e = none;
        return false;
    }
    for (size_t i = 0; i < files.count; i++)
        if (!show_file(j, files.at[i], json_object_get(out, "files"), e))
            return false;
    return !c->known || show_chain(c, j, out, e);
}

bool collateral_run_status(struct collateral_job *j, struct err *e) {
    struct collateral_chain c;
    SCOPED_JSON(out) = json_pack("{s:[]}", "files");
    bool ok = chain_open(&c, j, false, e) && show_all(&c, j, out, e);
    if (ok && j->o->json)
        print_json_line(j->a, out);
    chain_close(&c);
    return ok;
}
