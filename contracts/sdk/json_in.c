// SPDX-License-Identifier: Apache-2.0
#include "json_in.h"
#include "env.h"

#define NAME_SHOWN 64 // bytes of a foreign name that a sentence repeats

static _Noreturn void json_stop_name(const char *before, struct text name, const char *after) {
    struct out *o = sentence();
    out_str(o, "Failed to deserialize input from JSON. ");
    out_str(o, before);
    if (name.ptr)
        put_string(o, text_cut(name, NAME_SHOWN));
    out_str(o, after);
    stop_out(o);
}

_Noreturn void json_stop(const struct json_in *in, const char *what) {
    if (in->field)
        json_stop_name("", text_of(in->field), what);
    json_stop_name("The arguments", (struct text){0}, what);
}

// --- tokens that need a peek alone, whichever reader it is of

bool json_take(struct json_in *in, char c) {
    if (json_peek(in) != c)
        return false;
    in->p++;
    return true;
}

void json_expect(struct json_in *in, char c) {
    if (json_take(in, c))
        return;
    char what[] = ": expected ' ' here";
    what[sizeof ": expected '" - 1] = c;
    json_stop(in, what);
}

bool json_take_word(struct json_in *in, struct text word) {
    json_peek(in);
    if ((size_t)(in->end - in->p) < word.len || memcmp(in->p, word.ptr, word.len) != 0)
        return false;
    in->p += word.len;
    return true;
}

// --- decoders of members

void json_read_u64(struct json_in *in, void *out, const void *more) {
    (void)more;
    *(uint64_t *)out = json_take_u64(in, UINT64_MAX);
}

void json_read_u32(struct json_in *in, void *out, const void *more) {
    (void)more;
    *(uint32_t *)out = (uint32_t)json_take_u64(in, UINT32_MAX);
}

void json_read_bool(struct json_in *in, void *out, const void *more) {
    (void)more;
    bool yes = json_take_word(in, TEXT("true"));
    if (!yes && !json_take_word(in, TEXT("false")))
        json_stop(in, ": expected true or false");
    *(bool *)out = yes;
}

void json_read_text(struct json_in *in, void *out, const void *more) {
    (void)more;
    *(struct text *)out = json_take_string(in);
}

void json_read_yocto(struct json_in *in, void *out, const void *more) {
    (void)more;
    if (json_peek(in) != '"' || !yocto_parse(out, json_take_string(in)))
        json_stop(in, ": expected yoctoNEAR as a string of digits");
}

void json_read_account(struct json_in *in, void *out, const void *more) {
    (void)more;
    struct text t = json_take_string(in);
    if (!account_valid(t))
        json_stop(in, ": not an account id");
    *(struct account *)out = account_of(t);
}

void json_read_maybe_u64(struct json_in *in, void *out, const void *more) {
    (void)more;
    struct maybe_u64 *m = out;
    m->value = json_take_u64(in, UINT64_MAX);
    m->given = true;
}

void json_read_maybe_u32(struct json_in *in, void *out, const void *more) {
    (void)more;
    struct maybe_u32 *m = out;
    m->value = (uint32_t)json_take_u64(in, UINT32_MAX);
    m->given = true;
}

void json_read_maybe_yocto(struct json_in *in, void *out, const void *more) {
    struct maybe_yocto *m = out;
    json_read_yocto(in, &m->value, more);
    m->given = true;
}

void json_read_maybe_hash(struct json_in *in, void *out, const void *more) {
    (void)more;
    struct maybe_hash *m = out;
    if (!hash_parse(&m->value, json_take_string(in)))
        json_stop(in, ": expected 64 lower-case hexadecimal digits");
    m->given = true;
}

void json_read_raw(struct json_in *in, void *out, const void *more) {
    (void)more;
    ((struct json_raw *)out)->text = json_take_value(in);
}

void json_read_choice(struct json_in *in, void *out, const void *more) {
    const struct json_choices *choices = more;
    bool wrapped = json_take(in, '{');
    struct text name = json_take_string(in);
    if (wrapped) {
        json_expect(in, ':');
        if (!json_take_word(in, TEXT("null")))
            json_stop(in, ": expected null");
        json_expect(in, '}');
    }
    for (uint8_t i = 0; i < choices->count; i++) {
        if (text_eq(name, text_of(choices->names[i]))) {
            *(uint8_t *)out = i;
            return;
        }
    }
    json_stop_name("unknown variant ", name, "");
}

// --- objects

static int find_field(const struct json_shape *shape, struct text name) {
    for (int i = 0; i < shape->count; i++) {
        const struct json_field *f = &shape->fields[i];
        if (f->name_len == name.len && memcmp(f->name, name.ptr, name.len) == 0)
            return i;
    }
    return -1;
}

// One `"name": value`; *seen has a bit for each field that was there.
static void read_member(struct json_in *in, void *out, const struct json_shape *shape, uint32_t *seen) {
    struct text name = json_take_string(in);
    int i = find_field(shape, name);
    if (i < 0 && shape->closure == CLOSED)
        json_stop_name("unknown field ", name, "");
    json_expect(in, ':');
    if (i < 0) {
        json_take_value(in);
        return;
    }
    const struct json_field *f = &shape->fields[i];
    if (*seen >> i & 1)
        json_stop_name("duplicate field ", name, "");
    *seen |= 1u << i;
    in->field = f->name;
    if (f->required || !json_take_word(in, TEXT("null")))
        f->decode(in, (char *)out + f->offset, f->more);
}

void json_read_shape(struct json_in *in, void *out, const void *more) {
    const struct json_shape *shape = more;
    const char *outer = in->field;
    uint32_t seen = 0;
    json_expect(in, '{');
    if (!json_take(in, '}')) {
        do {
            in->field = outer;
            read_member(in, out, shape, &seen);
            in->field = outer;
        } while (json_take(in, ','));
        json_expect(in, '}');
    }
    for (int i = 0; i < shape->count; i++)
        if (shape->fields[i].required && !(seen >> i & 1))
            json_stop_name("missing field ", text_of(shape->fields[i].name), "");
}

void json_document(char *bytes, size_t len, void *out, const struct json_shape *shape) {
    struct json_in in = {.p = bytes, .end = bytes + len};
    json_read_shape(&in, out, shape);
    json_peek(&in);
    if (in.p != in.end)
        json_stop(&in, ": something follows the last brace");
}

void json_arguments(void *out, const struct json_shape *shape) {
    static char none[] = "{}";
    struct arguments args = arguments();
    if (args.len == 0)
        args = (struct arguments){none, 2};
    json_document(args.ptr, args.len, out, shape);
}
