// SPDX-License-Identifier: Apache-2.0
// outlayer verify-quote: what a quote proves, by Intel's collateral at a moment and by a policy. docs/attestation.md.
#include "cli/commands.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/attest_args.h"
#include "cli/verdict_text.h"
#include "collateral/forms.h"
#include "collateral/platform.h"
#include "dcap/policy_read.h"
#include "dcap/report.h"

#define POLICY_MAX (64u << 10)
#define LENT_BYTES (2u << 20)

struct verify_options {
    const char *quote, *collateral, *policy;
    struct attest_options attest;
    bool json;
};
static const struct arg table[] = {
    ARG_OPERAND(struct verify_options, quote, "QUOTE",
                "file with a quote: its bytes, hexadecimal, base64, or dstack's JSON"),
    ARG_OPTION(struct verify_options, collateral, "--collateral", "FILE",
               "the nine-member object (outlayer collateral fetch); else it is fetched"),
    ARG_OPTION(struct verify_options, policy, "--policy", "FILE", "what is accepted; UpToDate without advisories"),
    ATTEST_OPTIONS(struct verify_options, attest),
    ARG_SWITCH(struct verify_options, json, "--json", "one JSON object on one line"),
};

struct verify_job {
    struct arena *a;
    const struct verify_options *o;
    struct attest attest;
    struct dcap_arena lent;
    struct dcap_policy policy;
    struct slice quote;
    struct dcap_question question;
    struct verdict_source from;
};

// --- the inputs. false: the command line is wrong. What was read and is not what it should be is for the report.

// What the report can only name is said in full beside it.
static void say(const struct err *e) {
    struct err shown = *e;
    text_make_printable(shown.msg, true);
    text_make_printable(shown.hint, true);
    fprintf(stderr, "note        %s%s%s\n", shown.msg, shown.hint[0] ? "; " : "", shown.hint);
}

static bool take_quote(struct verify_job *j, struct err *e) {
    struct slice file;
    struct err why;
    if (!j->o->quote) {
        err_set(e, ERR_USAGE, "no quote is named");
        return err_hint(e, "outlayer verify-quote FILE (--help)");
    }
    if (!file_read(j->a, j->o->quote, QUOTE_FILE_MAX, &file, e))
        return false;
    if (!quote_read(&j->quote, j->a, file, &why)) {
        j->quote = (struct slice){0};
        say(&why);
    }
    j->question.quote = (struct bytes){j->quote.ptr, j->quote.len};
    return true;
}

static bool take_policy(struct verify_job *j, struct err *e) {
    struct slice text = {0};
    const char *why;
    if (j->o->policy && !file_read(j->a, j->o->policy, POLICY_MAX, &text, e))
        return false;
    if (j->o->policy && !text.len)
        return err_set(e, ERR_USAGE, "policy '%s' is empty", j->o->policy);
    j->question.policy = &j->policy;
    if (dcap_policy_read(&j->policy, &j->lent, (struct bytes){text.ptr, text.len}, &why))
        return true;
    err_set(e, ERR_USAGE, "policy '%s': %s", j->o->policy, why);
    return err_hint(e, "docs/attestation.md lists the members of a policy");
}

static bool load_collateral(struct verify_job *j, struct err *e) {
    struct slice text;
    j->from.collateral = j->o->collateral;
    if (!file_read(j->a, j->o->collateral, COLLATERAL_FILE_MAX, &text, e))
        return false;
    uint8_t *memory = arena_alloc(j->a, text.len + 1); // it is read where it stands, and is another afterwards
    memcpy(memory, text.ptr, text.len);
    (void)!dcap_collateral_read(&j->question.collateral, memory, text.len, &j->question.unread);
    return true;
}

static void fetch_for(struct verify_job *j, const struct quote_platform *p) {
    struct fetched got;
    struct err why;
    const struct fetch f = {.addresses = &j->attest.addresses,
                            .platform = p,
                            .set = "standard",
                            .trust = &j->attest.trust,
                            .now = j->attest.now,
                            .patience = patience_within(&(const struct patience){0}, FETCH_SECONDS * 1000)};
    bool all = collateral_fetch(&got, j->a, &f, &why);
    fetch_notes_show(&got);
    if (!all) {
        say(&why);
        dcap_fail(&j->question.unread, DCAP_PART_MISSING, DCAP_PART_COLLATERAL);
        return;
    }
    j->from = (struct verdict_source){.collateral = got.from[COLLATERAL_TCB_INFO], .fetched = true};
    fprintf(stderr, "note        the collateral was fetched from %s\n", j->from.collateral);
    j->question.collateral = collateral_for_core(&got.c);
}

// A quote whose own chain does not hold is judged by that: nobody needs to be asked about it.
static void fetch_collateral(struct verify_job *j) {
    struct quote_platform p;
    struct dcap_fault f;
    if (quote_platform_of(&p, j->quote, &j->attest.trust, j->attest.now, &f))
        fetch_for(j, &p);
    else
        j->question.unread = f;
}

static bool take_inputs(struct verify_job *j, struct err *e) {
    if (!attest_read(&j->attest, j->a, &j->o->attest, e) || !take_quote(j, e) || !take_policy(j, e))
        return false;
    j->question.trust = &j->attest.trust;
    j->question.now = j->attest.now;
    if (j->o->collateral)
        return load_collateral(j, e);
    fetch_collateral(j);
    return true;
}

// --- what comes of it

static bool show(const struct verify_job *j, struct bytes report, struct err *e) {
    struct slice text = slice_of(report.ptr, report.len);
    if (j->o->json) {
        print_output(j->a, text);
        return true;
    }
    SCOPED_JSON(parsed) = json_parse(text, text.len, e);
    if (parsed)
        verdict_print(j->a, parsed, &j->from);
    return parsed != NULL;
}

static bool run(struct verify_job *j, int *status, struct err *e) {
    struct dcap_checked checked;
    if (!take_inputs(j, e))
        return false;
    dcap_check(&checked, &j->lent, &j->question);
    struct bytes report = dcap_report(&j->lent, &checked);
    if (!report.len)
        return err_set(e, ERR_INTERNAL, "the report needs more memory than it has");
    *status = (int)dcap_outcome(&checked);
    return show(j, report, e);
}

int command_verify_quote(int argc, char **argv) {
    struct verify_options o = {0};
    struct err e;
    bool help;
    if (!args_parse(&o, table, ARRAY_LEN(table), argc, argv, &help, &e))
        return command_failed(&e);
    if (help) {
        args_print_help("verify-quote",
                        "what a quote proves; exit status 0 accepted, 1 false or refused, 3 not checkable", table,
                        ARRAY_LEN(table));
        return CLI_OK;
    }
    struct verify_job j = {.a = arena_new(), .o = &o};
    j.lent = (struct dcap_arena){arena_alloc(j.a, LENT_BYTES), LENT_BYTES, 0};
    int status = CLI_OK;
    bool ok = run(&j, &status, &e);
    arena_free(j.a);
    if (ok)
        return status;
    int failed = command_failed(&e);
    return e.code == ERR_INTERNAL ? failed : CLI_USAGE;
}
