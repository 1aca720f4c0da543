// SPDX-License-Identifier: Apache-2.0
#include "dcap/qe_identity.h"

// Behind the head; its levels follow.
struct qe_part {
    uint8_t miscselect[4], miscselect_mask[4];
    uint8_t attributes[16], attributes_mask[16];
    uint8_t mrsigner[32];
    uint16_t isvprodid, unused[3];
};
_Static_assert(sizeof(struct qe_part) == 80, "a part looks the same on each machine");

struct text {
    struct dcap_part_head head;
    struct qe_part part;
    struct bytes id;
    struct dcap_levels levels;
    uint8_t version;
};
enum { PUT_FIRST = offsetof(struct text, id) }; // the part but for its levels
_Static_assert(PUT_FIRST == sizeof(struct dcap_part_head) + sizeof(struct qe_part), "nothing stands between");

static bool take_level(struct dcap_json *j, void *out) { return dcap_level_take(j, &((struct text *)out)->levels); }

static bool check(struct text *t, struct dcap_fault *f) {
    if (t->version != 2)
        return dcap_fail_with(f, DCAP_QE_IDENTITY_VERSION, DCAP_PART_QE_IDENTITY, t->version);
    bool tdx = dcap_bytes_eq(t->id, DCAP_LIT("TD_QE"));
    if (!tdx && !dcap_bytes_eq(t->id, DCAP_LIT("QE")))
        return dcap_fail(f, DCAP_QE_IDENTITY_ID, DCAP_PART_QE_IDENTITY);
    if (!t->levels.count)
        return dcap_fail(f, DCAP_TCB_LEVELS, DCAP_PART_QE_IDENTITY);
    t->head.tee = tdx ? DCAP_TDX : DCAP_SGX;
    t->head.kind = DCAP_KIND_QE_IDENTITY;
    return true;
}

bool dcap_qe_identity_put(struct dcap_writer *w, struct bytes text, struct dcap_fault *f) {
    static const struct dcap_json_each levels = {take_level};
    static const void *const more[] = {&levels};
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct text, id, "id", DCAP_JSON_TEXT, 0),
        DCAP_JSON_REQUIRED(struct text, version, "version", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_REQUIRED(struct text, head.issued, "issueDate", DCAP_JSON_DATE, 0),
        DCAP_JSON_REQUIRED(struct text, head.next_update, "nextUpdate", DCAP_JSON_DATE, 0),
        DCAP_LEVELS_NUMBER(struct text, head.number),
        DCAP_JSON_REQUIRED(struct text, part.miscselect, "miscselect", DCAP_JSON_HEX, 0),
        DCAP_JSON_REQUIRED(struct text, part.miscselect_mask, "miscselectMask", DCAP_JSON_HEX, 0),
        DCAP_JSON_REQUIRED(struct text, part.attributes, "attributes", DCAP_JSON_HEX, 0),
        DCAP_JSON_REQUIRED(struct text, part.attributes_mask, "attributesMask", DCAP_JSON_HEX, 0),
        DCAP_JSON_REQUIRED(struct text, part.mrsigner, "mrsigner", DCAP_JSON_HEX, 0),
        DCAP_JSON_REQUIRED(struct text, part.isvprodid, "isvprodid", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_REQUIRED(struct text, levels, "tcbLevels", DCAP_JSON_EACH, 0)};
    static const struct dcap_json_shape shape = {members, 12, more};
    struct text t = {.levels = {.w = w, .at = PUT_FIRST, .isv = true}};
    dcap_put(w, &t, PUT_FIRST);
    if (!dcap_json_document(&t, text, &shape, DCAP_PART_QE_IDENTITY, f) || !check(&t, f))
        return false;
    if (w->failed)
        return dcap_fail(f, DCAP_NO_MEMORY, DCAP_PART_QE_IDENTITY);
    memcpy(w->start, &t, PUT_FIRST);
    return true;
}

static bool masked(const uint8_t *has, const uint8_t *mask, const uint8_t *wants, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if ((has[i] & mask[i]) != wants[i])
            return false;
    }
    return true;
}

static enum dcap_code mismatch(const struct qe_part *p, const uint8_t *report) {
    const uint8_t *attributes = dcap_report_field(report, DCAP_FIELD_ATTRIBUTES).ptr;
    const uint8_t *product = dcap_report_field(report, DCAP_FIELD_ISVPRODID).ptr;
    if (memcmp(dcap_report_field(report, DCAP_FIELD_MRSIGNER).ptr, p->mrsigner, 32) != 0)
        return DCAP_QE_MRSIGNER;
    if ((product[0] | product[1] << 8) != p->isvprodid)
        return DCAP_QE_ISVPRODID;
    if (!masked(dcap_report_field(report, DCAP_FIELD_MISCSELECT).ptr, p->miscselect_mask, p->miscselect, 4))
        return DCAP_QE_MISCSELECT;
    if (attributes[0] & 2)
        return DCAP_QE_DEBUG;
    return masked(attributes, p->attributes_mask, p->attributes, 16) ? DCAP_OK : DCAP_QE_ATTRIBUTES;
}

bool dcap_qe_identity_check(struct bytes part, const uint8_t *report, struct dcap_fault *f) {
    struct qe_part p;
    struct bytes body = dcap_part_body(part);
    if (body.len < sizeof p)
        return dcap_fail(f, DCAP_PART_FORMAT, DCAP_PART_QE_IDENTITY);
    memcpy(&p, body.ptr, sizeof p);
    enum dcap_code code = mismatch(&p, report);
    return code == DCAP_OK || dcap_fail(f, code, DCAP_PART_QE_REPORT);
}

struct bytes dcap_qe_identity_levels(struct bytes part) {
    struct dcap_cursor c = dcap_cursor_over(dcap_part_body(part));
    dcap_take(&c, sizeof(struct qe_part));
    return (struct bytes){c.at, dcap_cursor_left(&c)};
}
