// SPDX-License-Identifier: Apache-2.0
#include "simulator/control.h"

#include "base/file.h"
#include "codec/json.h"

#define FILE_MAX (64u << 10)
#define STANDARD_EVALUATION 17

static bool get_fault(enum sim_fault *out, const json_t *o, const char *key, struct err *e) {
    static const char *const names[] = {
#define X(code, name) name,
        SIM_FAULTS(X)
#undef X
    };
    const char *text = "ok";
    if (!json_opt_text(o, key, &text, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], text) == 0) {
            *out = (enum sim_fault)i;
            return true;
        }
    }
    return err_set(e, ERR_SETTINGS, "field '%s': there is no fault '%s'", key, text);
}

static bool get_tcb(struct control *c, const json_t *o, struct arena *a, struct err *e) {
    static const char *const keys[] = {"status", "advisories", "early_status", "evaluation", "revoked", NULL};
    json_t *tcb = json_object_get(o, "tcb");
    if (!tcb)
        return true;
    if (!json_only_keys(tcb, keys, e) || !json_opt_text(tcb, "status", &c->tcb_status, e) ||
        !json_opt_text(tcb, "advisories", &c->advisories, e) ||
        !json_opt_text(tcb, "early_status", &c->early_status, e) ||
        !json_opt_u64(tcb, "evaluation", &c->evaluation, e) || !json_opt_bool(tcb, "revoked", &c->revoked, e))
        return err_wrap(e, "field 'tcb'");
    c->tcb_status = c->tcb_status ? arena_strdup(a, c->tcb_status) : NULL;
    c->advisories = c->advisories ? arena_strdup(a, c->advisories) : NULL;
    c->early_status = c->early_status ? arena_strdup(a, c->early_status) : NULL;
    return true;
}

bool control_read(struct control *out, struct arena *a, const char *path, uint64_t quote_ms, struct err *e) {
    static const char *const keys[] = {"agent", "quote", "quote_ms", "pcs", "crl", "tcb", NULL};
    struct slice text;
    struct err missing;
    *out = (struct control){.quote_ms = quote_ms, .evaluation = STANDARD_EVALUATION};
    if (!file_read(a, path, FILE_MAX, &text, &missing)) {
        if (missing.code == ERR_NOT_FOUND)
            return true;
        if (e)
            *e = missing;
        return false;
    }
    SCOPED_JSON(o) = json_parse(text, FILE_MAX, e);
    if (!o || !json_only_keys(o, keys, e) || !get_fault(&out->agent, o, "agent", e) ||
        !get_fault(&out->quote, o, "quote", e) || !get_fault(&out->pcs, o, "pcs", e) ||
        !json_opt_u64(o, "quote_ms", &out->quote_ms, e) || !json_opt_text(o, "crl", &out->crl, e) ||
        !get_tcb(out, o, a, e))
        return err_wrap(e, "%s", path);
    out->crl = out->crl ? arena_strdup(a, out->crl) : NULL;
    return true;
}
