// SPDX-License-Identifier: Apache-2.0
#include "cli/tee_quote.h"

#include "base/file.h"
#include "cli/commands.h"
#include "collateral/forms.h"
#include "tee/quote_verdict.h"

const char *tee_role(const struct tee_job *j) { return j->o->role ? j->o->role : "worker"; }

static bool from_file(struct tee_job *j, struct tee_quote *out, struct err *e) {
    struct slice file;
    if (!file_read(j->a, j->o->file, QUOTE_FILE_MAX, &file, e))
        return false;
    if (dstack_quote_parse(&out->q, j->a, file, NULL))
        return true;
    out->q.event_log = "";
    return quote_read(&out->q.quote, j->a, file, e);
}

bool tee_take_quote(struct tee_job *j, struct tee_quote *out, struct err *e) {
    static const struct report_data nothing;
    if (!j->o->file)
        return tee_open_agent(j, e) && dstack_quote(&j->agent, j->a, &nothing, &out->q, &out->td, e);
    if (!from_file(j, out, e))
        return false;
    return td_view(&out->td, out->q.quote) || err_set(e, ERR_INVALID, "this is no TDX quote of version 4 or 5");
}

static const char *text_of(const struct tee_job *j, const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    return text ? printable(j->a, slice_str(text)) : "";
}

void tee_show_verdict(const struct tee_job *j, const json_t *verdict, FILE *to) {
    size_t i;
    json_t *one;
    const char *status = text_of(j, verdict, "status");
    if (status[0])
        fprintf(to, "platform      %s, FMSPC %s\n", status, text_of(j, verdict, "fmspc"));
    json_array_foreach(json_object_get(verdict, "advisory_ids"), i, one)
        fprintf(to, "advisory      %s\n", printable(j->a, slice_str(json_string_value(one))));
    const char *refusal = verdict_refusal(verdict, j->a);
    if (json_is_object(json_object_get(verdict, "error")))
        fprintf(to, "does not hold %s\n", printable(j->a, slice_str(refusal)));
    json_array_foreach(json_object_get(verdict, "refused"), i, one)
        if (!refusal_of_purpose(one))
            fprintf(to, "not accepted  %s\n", printable(j->a, slice_str(refusal_words(one, j->a))));
}
