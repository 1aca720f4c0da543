// SPDX-License-Identifier: Apache-2.0
#include "redis/redis_url.h"

#include "base/slice.h"
#include "base/text.h"
#include <curl/curl.h>

#define SHAPE "redis://[[USER]:PASSWORD@]HOST[:PORT][/NUMBER]"

// A part of the URL, which the caller frees; NULL: it has none. false: it is no text.
static bool part_of(CURLU *u, CURLUPart part, char **out) {
    char *found = NULL;
    *out = NULL;
    switch (curl_url_get(u, part, &found, CURLU_URLDECODE)) {
    case CURLUE_OK: break;
    case CURLUE_NO_USER:
    case CURLUE_NO_PASSWORD:
    case CURLUE_NO_PORT:
    case CURLUE_NO_HOST:
    case CURLUE_NO_QUERY:
    case CURLUE_NO_FRAGMENT: return true;
    default: return false;
    }
    if (found[0])
        *out = xstrdup(found);
    explicit_bzero(found, strlen(found));
    curl_free(found);
    return true;
}

static bool number_of(const char *text, uint64_t most, uint64_t otherwise, uint64_t *out) {
    *out = otherwise;
    return !text || (text_u64(slice_str(text), out) && *out <= most);
}

static bool read_numbers(struct redis_url *out, const char *port, const char *path, struct err *e) {
    uint64_t n;
    if (!number_of(port, UINT16_MAX, REDIS_PORT, &n) || !n)
        return err_set(e, ERR_SETTINGS, "the port is none");
    out->port = (uint16_t)n;
    if (!number_of(path && path[1] ? path + 1 : NULL, REDIS_DATABASE_MAX, 0, &n))
        return err_set(e, ERR_SETTINGS, "what follows the server is no number of a database");
    out->database = (unsigned)n;
    return true;
}

// A literal of IPv6 stands in brackets in URLs, and nowhere else.
static void strip_brackets(char *host) {
    size_t n = strlen(host);
    if (host[0] == '[' && host[n - 1] == ']') {
        memmove(host, host + 1, n - 2);
        host[n - 2] = 0;
    }
}

static bool read_parts(CURLU *u, struct redis_url *out, struct err *e) {
    char *port = NULL, *path = NULL, *query = NULL, *fragment = NULL;
    bool ok = part_of(u, CURLUPART_HOST, &out->host) && part_of(u, CURLUPART_USER, &out->user) &&
              part_of(u, CURLUPART_PASSWORD, &out->password) && part_of(u, CURLUPART_PORT, &port) &&
              part_of(u, CURLUPART_PATH, &path) && part_of(u, CURLUPART_QUERY, &query) &&
              part_of(u, CURLUPART_FRAGMENT, &fragment);
    ok = (ok && out->host && !query && !fragment) || err_set(e, ERR_SETTINGS, "it is no address of a server");
    ok = ok && ((!out->user || out->password) || err_set(e, ERR_SETTINGS, "it has a user and no password"));
    ok = ok && read_numbers(out, port, path, e);
    free(port), free(path), free(query), free(fragment);
    return ok;
}

static bool parse(struct redis_url *out, const char *url, struct err *e) {
    if (strncmp(url, "rediss://", 9) == 0) {
        err_set(e, ERR_SETTINGS, "connections with TLS are not offered");
        return err_hint(e, "redis:// to a tunnel on this machine (stunnel) that speaks TLS with the server");
    }
    CURLU *u = curl_url();
    BUG_ON(!u);
    bool ok = (strncmp(url, "redis://", 8) == 0 &&
               curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) ||
              err_set(e, ERR_SETTINGS, "it is no address of a server");
    ok = ok && read_parts(u, out, e);
    curl_url_cleanup(u);
    return ok || err_hint(e, SHAPE);
}

bool redis_url_parse(struct redis_url *out, const char *url, struct err *e) {
    *out = (struct redis_url){0};
    if (parse(out, url, e)) {
        strip_brackets(out->host);
        return true;
    }
    redis_url_release(out);
    return false;
}

void redis_url_release(struct redis_url *u) {
    if (u->password)
        explicit_bzero(u->password, strlen(u->password));
    free(u->host), free(u->user), free(u->password);
    *u = (struct redis_url){0};
}
