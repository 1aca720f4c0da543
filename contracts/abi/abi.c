// SPDX-License-Identifier: Apache-2.0
#include "abi.h"

#include <stdlib.h>
#include <string.h>

#define NULL_TYPE "{\"type\":\"null\"}"
#define C (&abi_contract)

static const struct abi_argument *argument_of(uint8_t id) { return &C->arguments[id & ~ABI_REQUIRED]; }

static bool may_be_null(const char *type) { return strchr(type, '?'); }

// Without the mark of what may be null.
static const struct abi_type *type_of(const char *name) {
    size_t n = strcspn(name, "?");
    for (size_t i = 0; i < C->type_count; i++)
        if (strlen(C->types[i].name) == n && memcmp(C->types[i].name, name, n) == 0)
            return &C->types[i];
    return NULL;
}

static const struct abi_object *object_of(const char *type) {
    for (size_t i = 0; i < C->object_count; i++)
        if (strcmp(C->objects[i].type, type) == 0)
            return &C->objects[i];
    fprintf(stderr, "no words for the type %s\n", type);
    abort();
}

// --- near-abi

static void schema_of(FILE *to, const char *type, bool null) {
    const struct abi_type *t = type_of(type);
    if (null)
        fputs("{\"anyOf\":[", to);
    if (t)
        fputs(t->schema, to);
    else
        fprintf(to, "{\"$ref\":\"#/definitions/%s\"}", object_of(type)->type);
    if (null)
        fputs("," NULL_TYPE "]}", to);
}

static void param(FILE *to, uint8_t id, const char *comma) {
    const struct abi_argument *a = argument_of(id);
    fprintf(to, "%s{\"name\":\"%s\",\"type_schema\":", comma, a->name);
    schema_of(to, a->type, !(id & ABI_REQUIRED));
    fputs("}", to);
}

static const char *modifiers_of(const struct abi_method *m) {
    if (strcmp(m->name, "new") == 0)
        return ",\"modifiers\":[\"init\"]";
    return m->kind == PAYABLE    ? ",\"modifiers\":[\"payable\"]"
           : m->kind == CALLBACK ? ",\"modifiers\":[\"private\"]"
                                 : "";
}

static void function(FILE *to, const struct abi_method *m, const char *comma) {
    fprintf(to, "%s{\"name\":\"%s\",\"doc\":\"%s\",\"kind\":\"%s\"%s", comma, m->name, m->doc,
            m->kind == VIEW ? "view" : "call", modifiers_of(m));
    if (m->list[0] != ABI_END) {
        fputs(",\"params\":{\"serialization_type\":\"json\",\"args\":[", to);
        for (size_t i = 0; m->list[i] != ABI_END; i++)
            param(to, m->list[i], i ? "," : "");
        fputs("]}", to);
    }
    if (strcmp(m->result, "nothing") != 0) {
        fputs(",\"result\":{\"serialization_type\":\"json\",\"type_schema\":", to);
        schema_of(to, m->result, may_be_null(m->result));
        fputs("}", to);
    }
    fputs("}", to);
}

static void object_schema(FILE *to, const struct abi_object *o) {
    fprintf(to, ",\"%s\":{\"type\":\"object\",\"properties\":{", o->type);
    for (size_t i = 0; o->list[i] != ABI_END; i++) {
        fprintf(to, "%s\"%s\":", i ? "," : "", argument_of(o->list[i])->name);
        schema_of(to, argument_of(o->list[i])->type, !(o->list[i] & ABI_REQUIRED));
    }
    fputs("},\"required\":[", to);
    for (size_t i = 0, n = 0; o->list[i] != ABI_END; i++)
        if (o->list[i] & ABI_REQUIRED)
            fprintf(to, "%s\"%s\"", n++ ? "," : "", argument_of(o->list[i])->name);
    fputs("]}", to);
}

void abi_json(FILE *to) {
    fprintf(to,
            "{\"schema_version\":\"0.4.0\",\"metadata\":{\"name\":\"%s\",\"version\":\"%s\"},"
            "\"body\":{\"functions\":[",
            C->name, C->version);
    for (size_t i = 0; i < C->method_count; i++)
        function(to, &C->methods[i], i ? "," : "");
    fputs("],\"root_schema\":{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"title\":\"String\",\"type\":"
          "\"string\",\"definitions\":{",
          to);
    fputs(C->definitions, to);
    for (size_t i = 0; i < C->object_count; i++)
        object_schema(to, &C->objects[i]);
    fputs("}}}}\n", to);
}

// --- the page

static void words_of(FILE *to, const char *type) {
    const struct abi_type *t = type_of(type);
    if (t) {
        fputs(t->words, to);
        return;
    }
    const struct abi_object *o = object_of(type);
    fputs("`{", to);
    for (size_t i = 0; o->list[i] != ABI_END; i++)
        fprintf(to, "%s%s%s", i ? ", " : "", argument_of(o->list[i])->name, o->list[i] & ABI_REQUIRED ? "" : "?");
    fputs("}`", to);
}

static void method_row(FILE *to, const struct abi_method *m) {
    fprintf(to, "| `%s` | ", m->name);
    for (size_t i = 0; m->list[i] != ABI_END; i++)
        fprintf(to, "%s%s%s", i ? ", " : "", argument_of(m->list[i])->name, m->list[i] & ABI_REQUIRED ? "" : "?");
    fprintf(to, " | ");
    if (m->kind != VIEW)
        fprintf(to, "%s", m->who);
    else
        words_of(to, m->result);
    fprintf(to, " | %s |\n", m->doc);
}

static void method_rows(FILE *to, bool views, const char *head) {
    fprintf(to, "| method | arguments | %s | what it does |\n|---|---|---|---|\n", head);
    for (size_t i = 0; i < C->method_count; i++)
        if ((C->methods[i].kind == VIEW) == views)
            method_row(to, &C->methods[i]);
}

void abi_tables(FILE *to) {
    fputs("### Calls\n\n", to);
    method_rows(to, false, "who");
    fputs("\n### Views\n\n", to);
    method_rows(to, true, "answer");
    fputs("\n### Arguments and members\n\n| name | type | meaning |\n|---|---|---|\n", to);
    for (size_t i = 0; i < C->argument_count; i++) {
        fprintf(to, "| `%s` | ", C->arguments[i].name);
        words_of(to, C->arguments[i].type);
        fprintf(to, " | %s |\n", C->arguments[i].doc);
    }
}
