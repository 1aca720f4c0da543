// SPDX-License-Identifier: Apache-2.0
#include "cli/attest_args.h"

#include "base/file.h"
#include "base/text.h"
#include "codec/hex.h"
#include "collateral/moment.h"
#include "dcap/chain.h"
#include "dcap/pem.h"

#define ROOT_FILE_MAX (64u << 10)
#define LENT_BYTES (64u << 10)

static bool root_of_certificate(struct dcap_trust *out, struct arena *a, struct slice pem) {
    struct dcap_arena lent = {arena_alloc(a, LENT_BYTES), LENT_BYTES, 0};
    struct bytes der[DCAP_CHAIN_MAX];
    size_t count = 0;
    struct dcap_cert cert;
    struct dcap_fault f;
    if (!dcap_pem_certificates(der, &count, &lent, (struct bytes){pem.ptr, pem.len}, DCAP_CHAIN_MAX, false) || !count ||
        !dcap_cert_parse(&cert, der[count - 1], DCAP_PART_ROOT_CA, &f))
        return false;
    dcap_trust_root(out, cert.key);
    return true;
}

static bool root_read(struct dcap_trust *out, struct arena *a, const char *text, struct err *e) {
    uint8_t key[64];
    struct slice pem;
    if (hex_decode_exact(key, sizeof key, slice_str(text), NULL)) {
        dcap_trust_root(out, key);
        return true;
    }
    if (!file_read(a, text, ROOT_FILE_MAX, &pem, e))
        return err_wrap(e, "--root takes 128 hexadecimal digits or a file");
    return root_of_certificate(out, a, pem) ||
           err_set(e, ERR_USAGE, "file '%s' of --root has no P-256 certificate in PEM", text);
}

bool attest_read(struct attest *out, struct arena *a, const struct attest_options *o, struct err *e) {
    *out = (struct attest){.now = moment_now(), .now_given = o->at != NULL, .other_root = o->root != NULL};
    dcap_trust_intel(&out->trust);
    return (!o->at || moment_read(&out->now, o->at, e)) && (!o->root || root_read(&out->trust, a, o->root, e)) &&
           pcs_addresses_read(&out->addresses, a, o->pccs ? o->pccs : getenv("PCCS_URL"), e);
}

// Why one piece did not come is often why the next did not.
static bool is_same(const struct fetch_note *one, const struct fetch_note *other) {
    return one->address == other->address && strcmp(one->why.msg, other->why.msg) == 0;
}

void fetch_notes_show(const struct fetched *f) {
    for (size_t i = 0; i < f->note_count; i++) {
        const struct fetch_note *n = &f->notes[i];
        if (n->piece == PCS_NUMBERS && n->why.code == ERR_NOT_FOUND)
            continue; // many caches have no such list
        if (i > 0 && is_same(n, n - 1))
            continue;
        struct err shown = n->why;
        text_make_printable(shown.msg, true);
        fprintf(stderr, "note        %s: %s: %s\n", n->address, pcs_piece_name(n->piece), shown.msg);
    }
}
