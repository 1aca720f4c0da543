// SPDX-License-Identifier: Apache-2.0
// outlayer audit: whether the keystore's audit log is as it was written, and what stands in it. It only reads, also
// while the keystore runs.
#include "base/text.h"
#include "cli/commands.h"
#include "keystore/audit_chain.h"
#include <inttypes.h>

struct audit_options {
    const char *home, *network, *hash;
    struct arg_u64 from;
    bool json;
};
static const struct arg table[] = {
    ARG_OPTION(struct audit_options, home, "--home", "DIR", "the keystore's OUTLAYER_HOME (~/.outlayer/<network>)"),
    ARG_OPTION(struct audit_options, network, "--network", "NAME",
               "devnet, testnet or mainnet (OUTLAYER_NETWORK, devnet)"),
    ARG_OPTION(struct audit_options, hash, "--hash", "HEX",
               "verify: a line of this SHA-256, as an earlier verify named it, has to be there"),
    ARG_NUMBER(struct audit_options, from, "--from", "export: from the line of this number on"),
    ARG_SWITCH(struct audit_options, json, "--json", "verify: one JSON object"),
};

static bool check_line(void *ctx, struct slice line, struct err *e) {
    (void)e;
    audit_check_line(ctx, line);
    return true;
}

static void print_check(struct arena *a, const struct audit_options *o, const struct audit_check *c) {
    char hex[65], first[32], last[32];
    hash_hex(&c->link.head, hex);
    if (o->json) {
        SCOPED_JSON(j) = json_object();
        json_object_set_new(j, "whole", json_boolean(!c->broken && (!o->hash || c->found)));
        json_set_u64(j, "first", c->first);
        json_set_u64(j, "last", c->link.n);
        json_set_u64(j, "unnumbered", c->unnumbered);
        json_set_text(j, "hash", hex);
        print_json_line(a, j);
    } else if (c->link.n) {
        printf("entries %s to %s hang together; SHA-256 of the last: %s\n", text_grouped(c->first, first),
               text_grouped(c->link.n, last), hex);
    } else {
        printf("the log has no entries with numbers\n");
    }
}

static bool verify(struct arena *a, const struct audit_options *o, struct err *e) {
    struct audit_check c = {0};
    char n[32];
    if (o->hash && !hash_from_hex(&c.wanted, slice_str(o->hash), e))
        return err_wrap(e, "--hash");
    if (!audit_read(o->home, check_line, &c, e))
        return false;
    audit_check_end(&c);
    print_check(a, o, &c);
    if (c.broken) {
        err_set(e, ERR_CORRUPT, "entry %s of the audit log is broken: %s", text_grouped(c.broken_n, n), c.why);
        return err_hint(e, "compare with an exported copy; what is behind that entry proves nothing");
    }
    if (o->hash && !c.found) {
        err_set(e, ERR_CORRUPT, "no entry of the audit log has the SHA-256 %s", o->hash);
        return err_hint(e, "it was cut off at its end, written anew, or the entry was removed by the log's limits");
    }
    return true;
}

struct output {
    uint64_t from;
    bool begun;
};

// From the line of that number on; those before it are known by the number that they have.
static bool print_line(void *ctx, struct slice line, struct err *e) {
    struct output *out = ctx;
    uint64_t n = 0;
    if (!out->begun && out->from) {
        SCOPED_JSON(j) = json_parse(line, AUDIT_LINE_MAX, NULL);
        out->begun = json_is_object(j) && json_opt_u64(j, "n", &n, NULL) && n >= out->from;
        if (!out->begun)
            return true;
    }
    bool ok = fwrite(line.ptr, 1, line.len, stdout) == line.len && putchar('\n') != EOF;
    return ok || err_errno(e, "cannot write the log");
}

static bool print_all(struct arena *a, const struct audit_options *o, struct err *e) {
    (void)a;
    struct output out = {.from = o->from.given ? o->from.v : 0};
    return audit_read(o->home, print_line, &out, e) && (fflush(stdout) == 0 || err_errno(e, "cannot write the log"));
}

static const struct {
    const char *name;
    bool (*run)(struct arena *a, const struct audit_options *o, struct err *e);
} actions[] = {{"verify", verify}, {"export", print_all}};

static const struct args_command command = {.name = "audit",
                                            .about = "whether the keystore's audit log is whole, and what stands in it",
                                            .missing = "say what to do with the audit log",
                                            .hint = "outlayer audit verify | export",
                                            ARGS_ACTIONS(actions),
                                            ARGS_TABLE(table)};

static bool check_uses(const struct audit_options *o, const char *action, struct err *e) {
    const struct arg_use uses[] = {{o->hash ? "--hash" : NULL, "verify"},
                                   {o->json ? "--json" : NULL, "verify"},
                                   {o->from.given ? "--from" : NULL, "export"}};
    return args_check_uses("audit", action, uses, ARRAY_LEN(uses), e);
}

int command_audit(int argc, char **argv) {
    SCOPED_ARENA(a);
    struct audit_options o = {0};
    struct err e;
    bool help;
    size_t i;
    if (!args_action(&i, &o, &command, argc, argv, &help, &e))
        return command_failed(&e);
    if (help)
        return CLI_OK;
    bool ok = check_uses(&o, actions[i].name, &e) && home_from_options(a, o.home, o.network, &o.home, &e);
    return ok && actions[i].run(a, &o, &e) ? CLI_OK : command_failed(&e);
}
