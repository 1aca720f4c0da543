// SPDX-License-Identifier: Apache-2.0
#include "cli/verdict_text.h"

#include "cli/commands.h"
#include "dcap/quote.h"

struct printing {
    struct arena *a;
    const json_t *report;
    const struct verdict_source *from;
};

static const char *text(const struct printing *p, const json_t *o, const char *name) {
    const char *s = json_string_value(json_object_get(o, name));
    return s ? printable(p->a, slice_str(s)) : "";
}

static json_int_t number(const json_t *o, const char *name) { return json_integer_value(json_object_get(o, name)); }

static void print_head(const struct printing *p) {
    const json_t *error = json_object_get(p->report, "error");
    const char *verdict = text(p, p->report, "verdict");
    printf("%s: %s, as of %s\n", strcmp(verdict, "not_checkable") == 0 ? "not checkable" : verdict,
           error ? text(p, error, "code") : text(p, p->report, "status"), text(p, p->report, "at"));
    if (error)
        printf("  %s\n", text(p, error, "message"));
    if (json_object_get(error, "hint"))
        printf("  %s\n", text(p, error, "hint"));
}

static void print_why(const struct printing *p) {
    const json_t *refused = json_object_get(p->report, "refused"), *one;
    size_t i;
    json_array_foreach(refused, i, one)
        printf("  %s\n", text(p, one, "message"));
    if (!json_array_size(refused))
        printf("  Every signature, certificate and date holds, and the policy refuses nothing.\n");
}

static void print_tcb(const struct printing *p) {
    const json_t *ids = json_object_get(p->report, "advisory_ids"), *id;
    size_t i;
    printf("tcb         platform %s", text(p, p->report, "platform_status"));
    if (json_object_get(p->report, "module_status"))
        printf(", TDX module %s", text(p, p->report, "module_status"));
    printf(", quoting enclave %s; TCB of %.10s\n", text(p, p->report, "qe_status"), text(p, p->report, "tcb_date"));
    if (json_object_get(p->report, "current_status"))
        printf("            %s with the TDX module that runs now\n", text(p, p->report, "current_status"));
    printf("advisories  %s", json_array_size(ids) ? "" : "none");
    json_array_foreach(ids, i, id)
        printf("%s%s", i ? ", " : "", printable(p->a, slice_str(json_string_value(id))));
    printf("\n");
}

static void print_short(const struct printing *p) {
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(p->report, "short"), i, one)
        printf("behind      %s has %lld, needs %lld: %s\n", text(p, one, "component"), number(one, "has"),
               number(one, "needs"), text(p, one, "raised_by"));
}

static void print_dates(const struct printing *p) {
    const json_t *c = json_object_get(p->report, "collateral");
    printf("collateral  %s%s: TCB set %lld, QE identity of set %lld\n", p->from->fetched ? "fetched from " : "",
           printable(p->a, slice_str(p->from->collateral)), number(p->report, "tcb_eval"),
           number(p->report, "qe_eval"));
    printf("dates       in force from %s to %s (%s ends first)\n", text(p, c, "valid_from"), text(p, c, "expires"),
           text(p, c, "expires_part"));
    printf("root        %s\n", json_is_true(json_object_get(p->report, "simulated"))
                                   ? "NOT Intel's: whoever has that root's key can make such quotes"
                                   : "Intel SGX Root CA");
}

static void print_platform(const struct printing *p, const json_t *q) {
    if (!json_object_get(q, "fmspc"))
        return;
    printf("platform    FMSPC %s, PCEID %s, PCE SVN %lld, %s CA, PPID %s\n", text(p, q, "fmspc"), text(p, q, "pceid"),
           number(q, "pce_svn"), text(p, q, "ca"), text(p, q, "ppid"));
    printf("            PCK certificate until %s\n", text(p, q, "pck_expires"));
}

static void print_report_data(const struct printing *p, const json_t *q) {
    const char *hex = text(p, q, "report_data");
    bool half = strlen(hex) == 128 && strspn(hex + 64, "0") == 64;
    printf("report data %s\n", hex);
    if (json_object_get(q, "report_data_is"))
        printf("            made for OutLayer: %s; its second half is the SHA-256 of what it binds\n",
               text(p, q, "report_data_is"));
    else if (half && strspn(hex, "0") == 128)
        printf("            zeros: the quote binds nothing\n");
    else if (half)
        printf("            32 bytes and zeros: perhaps a bare key; nothing in it says what it is for\n");
    else
        printf("            none of OutLayer's purposes\n");
}

static void print_quote(const struct printing *p, const json_t *q) {
    print_platform(p, q);
    printf("%s quote, version %lld; measurements\n", text(p, q, "tee"), number(q, "quote_version"));
    for (int i = 0; i < DCAP_FIELD_COUNT; i++) {
        const char *name = dcap_field_name((enum dcap_field)i);
        if (json_object_get(q, name) && strcmp(name, "report_data") != 0)
            printf("  %-17s %s\n", name, text(p, q, name));
    }
    print_report_data(p, q);
    if (number(q, "trailing_bytes"))
        printf("            %lld bytes behind the quote are signed by nobody\n", number(q, "trailing_bytes"));
}

void verdict_print(struct arena *a, const json_t *report, const struct verdict_source *from) {
    const struct printing p = {a, report, from};
    const json_t *claimed = json_object_get(report, "claimed");
    print_head(&p);
    if (json_object_get(report, "error")) {
        print_short(&p);
        if (claimed) {
            printf("what the quote claims, for which nobody vouches:\n");
            print_quote(&p, claimed);
        }
        return;
    }
    print_why(&p);
    print_tcb(&p);
    print_short(&p);
    print_dates(&p);
    print_quote(&p, report);
}
