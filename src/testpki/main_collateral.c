// SPDX-License-Identifier: Apache-2.0
// dcap-collateral NOW AGE LEFT SET [behind]: prints what a collateral server of the test PKI has at a moment (seconds
// since 1970), all issued AGE days before and good for LEFT more, of TCB set SET; with `behind` the platform of the
// quote is out of date by it. One JSON object: {"collateral", "root_key", "quote", "fmspc", "numbers"}, of which the
// last is the signed list of sets in which SET is the standard and SET + 1 the newest.
#include "base/text.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "testpki/testpki.h"
#include <inttypes.h>

#define DAY 86400

static const char *iso(struct arena *a, int64_t seconds) {
    struct tm t;
    char text[32];
    time_t when = (time_t)seconds;
    BUG_ON(!gmtime_r(&when, &t) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &t));
    return arena_strdup(a, text);
}

static const char *set_text(struct arena *a, uint64_t number, int64_t event) {
    return arena_printf(a,
                        "{\"tcbEvaluationDataNumber\":%" PRIu64 ",\"tcbRecoveryEventDate\":\"%s\",\"tcbDate\":\"%s\"}",
                        number, iso(a, event), iso(a, event + DAY));
}

// The events are 30 and 400 days old: only the older one is standard.
static const char *numbers_body(struct arena *a, const struct pki_world *w, uint64_t set, int64_t issued,
                                int64_t next) {
    const char *text = arena_printf(
        a, "{\"id\":\"TDX\",\"version\":1,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",\"tcbEvalNumbers\":[%s,%s]}",
        iso(a, issued), iso(a, next), set_text(a, set + 1, w->now - 30 * DAY), set_text(a, set, w->now - 400 * DAY));
    struct slice signature = pki_json_signature(a, w->seed, w->tcb_info.signer, slice_str(text), 0);
    return arena_printf(a, "{\"tcbEvaluationDataNumbers\":%s,\"signature\":\"%s\"}", text, hex_text(a, signature));
}

static void set_dates(struct pki_world *w, int64_t issued, int64_t next) {
    w->tcb_info.issued = w->identity.issued = w->pck_crl.this_update = w->root_crl.this_update = issued;
    w->tcb_info.next = w->identity.next = w->pck_crl.next_update = w->root_crl.next_update = next;
}

static void print(struct arena *a, const struct pki_world *w, const char *numbers) {
    struct pki_made made;
    pki_make(&made, a, w);
    json_t *o = json_object();
    json_object_set_new(o, "collateral", pki_collateral(a, &made));
    json_set_text(o, "root_key", hex_text(a, slice_of(made.root_key, 64)));
    json_set_text(o, "quote", hex_text(a, made.quote));
    json_set_text(o, "fmspc", hex_text(a, slice_of(w->tcb_info.fmspc, 6)));
    json_set_text(o, "numbers", numbers);
    puts(json_text(a, o));
    json_decref(o);
}

int main(int argc, char **argv) {
    uint64_t n[4] = {0};
    for (int i = 0; i < 4; i++)
        if (argc < 5 || !text_u64(slice_str(argv[i + 1]), &n[i])) {
            fprintf(stderr, "usage: dcap-collateral NOW AGE LEFT SET [behind]\n");
            return 2;
        }
    struct arena *a = arena_new();
    struct pki_world w;
    int64_t now = (int64_t)n[0], issued = now - (int64_t)n[1] * DAY, next = now + (int64_t)n[2] * DAY;
    pki_world_init(&w, PKI_TDX_V4, "collateral", "one machine", now);
    set_dates(&w, issued, next);
    w.tcb_info.evaluation = w.identity.evaluation = (unsigned)n[3];
    if (argc > 5)
        w.tcb_info.levels[0].sgx[0] += 3;
    print(a, &w, numbers_body(a, &w, n[3], issued, next));
    arena_free(a);
    return 0;
}
