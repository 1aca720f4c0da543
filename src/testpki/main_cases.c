// SPDX-License-Identifier: Apache-2.0
// dcap-cases: prints the table of cases as JSON, one case a line:
// {"name", "quote" (hex), "collateral" {nine texts}, "root_key" (hex, x and y), "at" (seconds), "policy"? {…},
//  "event_log"? [events] or {"version","events"},
//  "expect": {"status", "advisories" [], "refused" [codes], "log"? CODE or "OK"} or {"error": CODE or "*", "part"?}}
#include "codec/hex.h"
#include "codec/json.h"
#include "testpki/cases.h"

static json_t *list_of(const char *text) {
    json_t *list = json_array();
    for (const char *p = text; p && *p;) {
        size_t n = strcspn(p, ",");
        json_array_append_new(list, json_stringn(p, n));
        p += n + (p[n] == ',');
    }
    return list;
}

static json_t *expectation(const struct pki_case *c) {
    json_t *e = json_object();
    if (c->error) {
        json_set_text(e, "error", c->error);
        if (c->part)
            json_set_text(e, "part", c->part);
        return e;
    }
    json_set_text(e, "status", c->status);
    json_object_set_new(e, "advisories", list_of(c->advisories));
    json_object_set_new(e, "refused", list_of(c->refused));
    if (c->event_log)
        json_set_text(e, "log", c->log_error ? c->log_error : "OK");
    return e;
}

static void print(void *ctx, struct arena *a, const struct pki_case *c) {
    bool *first = ctx;
    json_t *o = json_object();
    json_set_text(o, "name", c->name);
    json_set_text(o, "quote", hex_text(a, c->made.quote));
    json_object_set_new(o, "collateral", pki_collateral(a, &c->made));
    json_set_text(o, "root_key", hex_text(a, slice_of(c->made.root_key, 64)));
    json_set_u64(o, "at", c->at);
    if (c->policy)
        json_object_set_new(o, "policy", json_loads(c->policy, 0, NULL));
    if (c->event_log)
        json_object_set_new(o, "event_log", json_loads(c->event_log, 0, NULL));
    json_object_set_new(o, "expect", expectation(c));
    char *text = json_dumps(o, JSON_COMPACT);
    printf("%s%s", *first ? "[" : ",\n", text);
    free(text);
    json_decref(o);
    *first = false;
}

int main(void) {
    bool first = true;
    pki_cases(print, &first);
    puts("]");
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
