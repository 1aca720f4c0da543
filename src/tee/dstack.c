// SPDX-License-Identifier: Apache-2.0
#include "tee/dstack.h"

#include "codec/hex.h"
#include "http/client.h"
#include <sys/stat.h>

#define CALL_MS 5000
#define QUOTE_MS 10000
#define UNIX_URL "http://localhost" // the socket says whom; a request needs a name all the same

// In the order in which they are tried; the sockets moved below dstack/ in 2026.
static const struct {
    const char *path;
    enum dstack_family family;
} sockets[] = {{"/var/run/dstack.sock", DSTACK_GUEST},        {"/run/dstack.sock", DSTACK_GUEST},
               {"/var/run/dstack/dstack.sock", DSTACK_GUEST}, {"/run/dstack/dstack.sock", DSTACK_GUEST},
               {"/var/run/tappd.sock", DSTACK_TAPPD},         {"/run/tappd.sock", DSTACK_TAPPD},
               {"/var/run/dstack/tappd.sock", DSTACK_TAPPD},  {"/run/dstack/tappd.sock", DSTACK_TAPPD}};

enum method { VERSION, INFO, QUOTE };
static const char *const paths[][3] = {
    [DSTACK_GUEST] = {[VERSION] = "/Version", [INFO] = "/Info", [QUOTE] = "/GetQuote"},
    // RawQuote came later than TdxQuote, which takes report data as they are since the first version.
    [DSTACK_TAPPD] = {[VERSION] = "/prpc/Tappd.Version", [INFO] = "/prpc/Tappd.Info", [QUOTE] = "/prpc/Tappd.TdxQuote"},
};

static bool is_url(const char *endpoint) {
    return strncmp(endpoint, "http://", 7) == 0 || strncmp(endpoint, "https://", 8) == 0;
}

static bool call(struct dstack *d, struct arena *a, enum method method, const char *body, struct http_answer *out,
                 struct err *e) {
    bool url = is_url(d->endpoint);
    size_t n = strlen(d->endpoint);
    while (url && n && d->endpoint[n - 1] == '/')
        n--;
    const char *path = paths[d->family][method];
    struct http_call c = {.method = "POST",
                          .url = url ? arena_printf(a, "%.*s%s", (int)n, d->endpoint, path)
                                     : arena_printf(a, UNIX_URL "%s", path),
                          .body = slice_str(body),
                          .timeout_ms = method == QUOTE ? QUOTE_MS : CALL_MS,
                          .max_answer = DSTACK_ANSWER_MAX,
                          .unix_socket = url ? NULL : d->endpoint,
                          .cancel = d->cancel};
    if (http_call(d->http, a, &c, out, e))
        return true;
    if (e->code == ERR_TOO_LARGE) // of what the agent says, not of what the caller gave
        e->code = ERR_CORRUPT;
    return err_wrap(e, "guest agent at '%s'", d->endpoint);
}

// The agent's own words for what it could not do.
static bool agent_failed(const struct dstack *d, struct arena *a, const struct http_answer *r, struct err *e) {
    const char *words = dstack_error_text(a, r->body);
    err_set(e, ERR_UNAVAILABLE, "the guest agent at '%s' answered status %d%s%.200s", d->endpoint, r->status,
            words[0] ? ": " : "", words);
    return err_hint(e, "where another program is asking for quotes, repeat this; else its log says more");
}

// --- finding it

enum probe { PROBE_FOUND, PROBE_OTHER, PROBE_FAILED };

// Whether an agent of this family answers. Versions before 0.5.7 or so have no Version, but all of them have Info.
static enum probe probe_family(struct dstack *d, struct arena *a, enum dstack_family family, struct err *e) {
    struct http_answer answer;
    struct dstack_info info;
    d->family = family;
    d->version = "";
    if (!call(d, a, VERSION, "{}", &answer, e))
        return PROBE_FAILED;
    if (answer.status == 200 && dstack_version_parse(&d->version, a, answer.body, e))
        return PROBE_FOUND;
    if (!call(d, a, INFO, "{}", &answer, e))
        return PROBE_FAILED;
    return answer.status == 200 && dstack_info_parse(&info, a, answer.body, e) && info.app_id[0] ? PROBE_FOUND
                                                                                                 : PROBE_OTHER;
}

static bool probe(struct dstack *d, struct arena *a, enum dstack_family first, struct err *e) {
    static const enum dstack_family both[] = {DSTACK_GUEST, DSTACK_TAPPD};
    for (size_t i = first == DSTACK_TAPPD; i < ARRAY_LEN(both); i++) {
        enum probe p = probe_family(d, a, both[i], e);
        if (p != PROBE_OTHER)
            return p == PROBE_FOUND;
    }
    err_set(e, ERR_UNAVAILABLE, "what answers at '%s' is no guest agent of dstack", d->endpoint);
    return err_hint(e, "give DSTACK_SIMULATOR_ENDPOINT the path of its socket, or its URL");
}

static bool none_there(struct err *e) {
    err_set(e, ERR_UNAVAILABLE, "there is no guest agent of dstack on this machine");
    return err_hint(e, "in a TD: mount /var/run/dstack.sock into the container; on a devnet: `outlayer up` starts a "
                       "simulator of it");
}

// The first one that answers; where none does, *e is what the first one said.
static bool search(struct dstack *d, struct arena *a, const char *root, struct err *e) {
    struct stat st;
    struct err first;
    bool seen = false;
    for (size_t i = 0; i < ARRAY_LEN(sockets); i++) {
        struct err why = {0};
        d->endpoint = arena_printf(a, "%s%s", root ? root : "", sockets[i].path);
        if (stat(d->endpoint, &st) != 0 || !S_ISSOCK(st.st_mode))
            continue;
        if (probe(d, a, sockets[i].family, &why))
            return true;
        if (!seen)
            first = why;
        seen = true;
    }
    if (!seen)
        return none_there(e);
    err_set(e, first.code, "%s", first.msg);
    return err_hint(e, "%s", first.hint);
}

bool dstack_open(struct dstack *out, struct arena *a, const struct dstack_where *where, struct err *e) {
    bool given = where->endpoint && where->endpoint[0];
    *out = (struct dstack){.http = http_client_new(), .cancel = where->cancel};
    if (given)
        out->endpoint = arena_strdup(a, where->endpoint);
    if (given ? probe(out, a, DSTACK_GUEST, e) : search(out, a, where->root, e))
        return true;
    dstack_close(out);
    return false;
}

void dstack_close(struct dstack *d) {
    http_client_free(d->http);
    *d = (struct dstack){0};
}

const char *dstack_name(const struct dstack *d, struct arena *a) {
    const char *version = d->version[0] ? d->version : d->family == DSTACK_TAPPD ? "0.3 or 0.4" : "0.5";
    return arena_printf(a, "dstack %s at %s", version, d->endpoint);
}

// --- asking it

bool dstack_quote(struct dstack *d, struct arena *a, const struct report_data *data, struct dstack_quote *out,
                  struct td_view *td, struct err *e) {
    struct http_answer answer;
    const char *hex = hex_text(a, slice_of(data->b, sizeof data->b));
    const char *body = arena_printf(a, "{\"report_data\":\"%s\"%s}", hex,
                                    d->family == DSTACK_TAPPD ? ",\"hash_algorithm\":\"raw\"" : "");
    if (!call(d, a, QUOTE, body, &answer, e))
        return false;
    if (answer.status != 200)
        return agent_failed(d, a, &answer, e);
    if (!dstack_quote_parse(out, a, answer.body, e))
        return false;
    if (!td_view(td, out->quote))
        return err_set(e, ERR_CORRUPT, "what the guest agent at '%s' gave is no TDX quote", d->endpoint);
    if (memcmp(td->report_data, data->b, sizeof data->b) != 0)
        return err_set(e, ERR_CORRUPT, "the guest agent at '%s' gave a quote for other report data than was asked for",
                       d->endpoint);
    return true;
}

bool dstack_ask_info(struct dstack *d, struct arena *a, struct dstack_info *out, struct err *e) {
    struct http_answer answer;
    if (!call(d, a, INFO, "{}", &answer, e))
        return false;
    return answer.status == 200 ? dstack_info_parse(out, a, answer.body, e) : agent_failed(d, a, &answer, e);
}
