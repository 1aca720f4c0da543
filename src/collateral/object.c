// SPDX-License-Identifier: Apache-2.0
#include "collateral/object.h"

#include "base/file.h"
#include "codec/hex.h"
#include "collateral/forms.h"

enum form { MEMBER_TEXT, MEMBER_CRL, MEMBER_SIGNATURE };

static const struct {
    const char *name;
    enum collateral_part part;
    enum form form;
    size_t offset;
} members[] = {
#define X(name, part, form) {#name, part, form, offsetof(struct collateral, name)},
    COLLATERAL_MEMBERS(X)
#undef X
};

static struct slice *field(struct collateral *c, size_t i) {
    return (struct slice *)(void *)((uint8_t *)c + members[i].offset);
}

static struct slice value(const struct collateral *c, size_t i) {
    return *(const struct slice *)(const void *)((const uint8_t *)c + members[i].offset);
}

const char *collateral_part_name(enum collateral_part p) {
    static const char *const names[] = {"root_crl", "pck_crl", "tcb_info", "qe_identity"};
    BUG_ON(p >= COLLATERAL_PARTS);
    return names[p];
}

bool collateral_has(const struct collateral *c, enum collateral_part p) {
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (members[i].part == p && !value(c, i).len)
            return false;
    return true;
}

void collateral_drop(struct collateral *c, enum collateral_part p) {
    collateral_take(c, &(const struct collateral){0}, p);
}

void collateral_take(struct collateral *to, const struct collateral *from, enum collateral_part p) {
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (members[i].part == p)
            *field(to, i) = value(from, i);
}

void collateral_keep(struct collateral *c, struct arena *a) {
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        *field(c, i) = arena_copy(a, value(c, i));
    c->pck_certificate_chain = arena_copy(a, c->pck_certificate_chain);
}

static bool member_read(struct slice *out, struct arena *a, enum form form, const char *text, struct err *e) {
    struct slice in = slice_str(text);
    switch (form) {
    case MEMBER_TEXT: *out = arena_copy(a, in); return true;
    case MEMBER_CRL: return crl_read(out, a, arena_copy(a, in), e);
    case MEMBER_SIGNATURE:
        return hex_decode(out, a, in, e) &&
               (out->len == 64 || err_set(e, ERR_INVALID, "a signature of %zu bytes, where 64 are due", out->len));
    }
    return false;
}

static bool object_read(struct collateral *out, struct arena *a, const json_t *j, struct err *e) {
    const char *text = NULL;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        text = NULL;
        if (!json_opt_text(j, members[i].name, &text, e))
            return false;
        if (text && text[0] && !member_read(field(out, i), a, members[i].form, text, e))
            return err_wrap(e, "member '%s'", members[i].name);
    }
    text = NULL;
    if (!json_opt_text(j, "pck_certificate_chain", &text, e))
        return false;
    out->pck_certificate_chain = text ? arena_copy(a, slice_str(text)) : (struct slice){0};
    return true;
}

bool collateral_read(struct collateral *out, struct arena *a, struct slice json, struct err *e) {
    *out = (struct collateral){0};
    SCOPED_JSON(j) = json_parse(json, COLLATERAL_FILE_MAX, e);
    if (!j)
        return false;
    if (!json_is_object(j))
        return err_set(e, ERR_INVALID, "collateral must be a JSON object");
    return object_read(out, a, j, e);
}

static void member_add(json_t *to, const struct collateral *c, size_t i, struct arena *a) {
    struct slice v = value(c, i);
    if (v.len)
        json_set_text(to, members[i].name, members[i].form == MEMBER_TEXT ? arena_text(a, v) : hex_text(a, v));
}

json_t *collateral_json(const struct collateral *c, struct arena *a) {
    json_t *j = json_object();
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        member_add(j, c, i, a);
    return j;
}

json_t *collateral_part_json(const struct collateral *c, enum collateral_part p, struct arena *a) {
    json_t *j = json_object();
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (members[i].part == p)
            member_add(j, c, i, a);
    return j;
}

bool collateral_load(struct collateral *out, struct arena *a, const char *path, struct err *e) {
    struct slice text;
    return file_read(a, path, COLLATERAL_FILE_MAX, &text, e) &&
           (collateral_read(out, a, text, e) || err_wrap(e, "collateral file '%s'", path));
}

bool collateral_save(const struct collateral *c, struct arena *a, const char *path, struct err *e) {
    SCOPED_JSON(j) = collateral_json(c, a);
    return file_write_atomic(path, slice_str(arena_printf(a, "%s\n", json_text(a, j))), 0644, e);
}
