// SPDX-License-Identifier: Apache-2.0
// Event logs beside a good quote, whose RTMR3 is what the events give: in dstack's form and in that of contracts, with
// digests of both versions; and one thing wrong at a time.
#include "testpki/cases_internal.h"

#include "base/buf.h"
#include "codec/hex.h"
#include <openssl/evp.h>

#define EVENT_TYPE "\x01\0\0\x08" // 0x08000001, little endian
#define LOG_MAX (16u << 10)
#define EVENTS_MAX 12
#define HASH PKI_COMPOSE_HASH
#define APP "00112233445566778899aabbccddeeff01234567"

struct boot_event {
    const char *name, *payload; // hexadecimal
};
struct boot {
    struct boot_event e[EVENTS_MAX];
    size_t count;
};
static const struct boot usual = {{{"system-preparing", ""},
                                   {"app-id", APP},
                                   {"compose-hash", HASH},
                                   {"instance-id", ""},
                                   {"boot-mr-done", ""},
                                   {"key-provider", "7b226e616d65223a226e6f6e65222c226964223a22227d"},
                                   {"system-ready", ""}},
                                  7};
enum { COMPOSE = 2, READY = 6 };

struct form {
    const char *name;
    unsigned version;
    bool contracts;
};
static const struct form forms[] = {
    {"dstack-1", 1, false}, {"contract-1", 1, true}, {"dstack-2", 2, false}, {"contract-2", 2, true}};

static struct boot with(struct boot b, size_t at, const char *name, const char *payload) {
    memmove(&b.e[at + 1], &b.e[at], (b.count - at) * sizeof b.e[0]);
    b.e[at] = (struct boot_event){name, payload};
    b.count++;
    return b;
}

static struct boot without(struct boot b, size_t at) {
    b.count--;
    memmove(&b.e[at], &b.e[at + 1], (b.count - at) * sizeof b.e[0]);
    return b;
}

static void sha384(uint8_t out[static 48], struct slice in) {
    BUG_ON(EVP_Digest(in.ptr, in.len, out, NULL, EVP_sha384(), NULL) != 1);
}

static void digest(uint8_t out[static 48], struct book *b, unsigned version, const struct boot_event *e) {
    SCOPED_BUF(in, LOG_MAX);
    struct slice payload;
    BUG_ON(!hex_decode(&payload, b->arena, slice_str(e->payload), NULL));
    if (version == 2) {
        buf_printf(&in, "{\"name\":\"%s\",\"payload\":\"%s\",\"type\":134217729}", e->name, e->payload);
    } else {
        buf_add(&in, EVENT_TYPE, 4);
        buf_printf(&in, ":%s:", e->name);
        buf_add_slice(&in, payload);
    }
    sha384(out, buf_slice(&in));
}

// What RTMR3 is after these events.
static void measure(uint8_t rtmr[static 48], struct book *b, unsigned version, const struct boot *events) {
    uint8_t both[96] = {0};
    for (size_t i = 0; i < events->count; i++) {
        digest(both + 48, b, version, &events->e[i]);
        sha384(both, slice_of(both, sizeof both));
    }
    memcpy(rtmr, both, 48);
}

static const char *log_text(struct book *b, const struct form *f, const struct boot *events) {
    SCOPED_BUF(out, LOG_MAX);
    uint8_t d[48];
    if (f->contracts)
        buf_printf(&out, "{\"version\":%u,\"events\":", f->version);
    for (size_t i = 0; i < events->count; i++) {
        const struct boot_event *e = &events->e[i];
        digest(d, b, f->version, e);
        buf_add_str(&out, i ? "," : "[");
        if (f->contracts)
            buf_printf(&out, "{\"event\":\"%s\",\"payload\":\"%s\"}", e->name, e->payload);
        else
            buf_printf(&out,
                       "{\"imr\":3,\"event_type\":134217729,\"digest\":\"%s\",\"event\":\"%s\","
                       "\"event_payload\":\"%s\",\"version\":%u}",
                       hex_text(b->arena, slice_of(d, sizeof d)), e->name, e->payload, f->version);
    }
    buf_add_str(&out, f->contracts ? "]}" : "]");
    return arena_strdup(b->arena, buf_str(&out));
}

// The guest measured one list of events and shows another (or the same). error: NULL, or why the log does not count.
static void logged(struct book *b, const struct form *f, const char *name, const struct boot *measured,
                   const struct boot *shown, const char *error) {
    struct pki_world *w = begin_named(b, f->version == 2 ? PKI_TDX15_V5 : PKI_TDX_V4, "log-%s-%s", f->name, name);
    measure(w->quote.body + PKI_RTMR3, b, f->version, measured);
    b->c.event_log = log_text(b, f, shown);
    b->c.log_error = error;
    good(b, "UpToDate", "");
}

static void honest(struct book *b, const struct form *f, const char *name, struct boot events, const char *error) {
    logged(b, f, name, &events, &events, error);
}

static void what_is_measured(struct book *b, const struct form *f) {
    struct boot late = with(without(usual, COMPOSE), READY, "compose-hash", HASH);
    honest(b, f, "usual", usual, NULL);
    honest(b, f, "application-events", with(with(usual, 7, "mine", "00"), 7, "mine", "01"), NULL);
    honest(b, f, "init-scripts", with(with(usual, COMPOSE, "init-script-hash", HASH), COMPOSE, "init-script-hash", APP),
           NULL);
    honest(b, f, "compose-hash-doubled", with(usual, COMPOSE, "compose-hash", HASH), "LOG_DUPLICATE");
    honest(b, f, "compose-hash-long", with(usual, COMPOSE, "compose-hash", "11" HASH), "LOG_FORMAT");
    honest(b, f, "compose-hash-again-at-the-end", with(usual, 7, "compose-hash", HASH), "LOG_DUPLICATE");
    honest(b, f, "compose-hash-late", late, "LOG_LATE");
    honest(b, f, "compose-hash-missing", without(usual, COMPOSE), "LOG_EVENT_MISSING");
    honest(b, f, "compose-hash-short", with(without(usual, COMPOSE), COMPOSE, "compose-hash", APP), "LOG_FORMAT");
    honest(b, f, "system-ready-missing", without(usual, READY), "LOG_EVENT_MISSING");
    honest(b, f, "system-ready-twice", with(usual, READY, "system-ready", ""), "LOG_DUPLICATE");
    honest(b, f, "name-in-capitals", with(without(usual, COMPOSE), COMPOSE, "Compose-Hash", HASH), "LOG_EVENT_MISSING");
}

// Who shows a log may show any.
static void what_is_shown(struct book *b, const struct form *f) {
    struct boot forged = usual, swapped = usual, empty = {.count = 0}, more = with(usual, 7, "mine", "00"),
                less = without(usual, 1);
    forged.e[COMPOSE].payload = "66112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210";
    swapped.e[0] = usual.e[1];
    swapped.e[1] = usual.e[0];
    logged(b, f, "of-another-compose-file", &usual, &forged, "LOG_MISMATCH");
    logged(b, f, "in-another-order", &usual, &swapped, "LOG_MISMATCH");
    logged(b, f, "with-one-event-more", &usual, &more, "LOG_MISMATCH");
    logged(b, f, "with-one-event-less", &usual, &less, "LOG_MISMATCH");
    logged(b, f, "of-nothing", &empty, &usual, "LOG_MISMATCH");
}

// Each name of the guest's own is there once, and before system-ready.
static void trusted_names(struct book *b, const struct form *f) {
    static const char *const names[] = {"key-provider", "app-id",          "instance-id",    "system-preparing",
                                        "boot-mr-done", "mr-kms",          "os-image-hash",  "rootfs-hash",
                                        "storage-fs",   "gpu-policy-hash", "gpu-attestation"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *name = names[i];
        struct boot once = usual;
        for (size_t k = once.count; k-- > 0;)
            if (strcmp(once.e[k].name, name) == 0)
                once = without(once, k);
        honest(b, f, arena_printf(b->arena, "%s-late", name), with(once, once.count, name, "00"), "LOG_LATE");
        name = names[i];
        once = with(with(once, 0, name, "00"), 0, name, "00");
        honest(b, f, arena_printf(b->arena, "%s-doubled", name), once, "LOG_DUPLICATE");
    }
}

void cases_of_logs(struct book *b) {
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        what_is_measured(b, &forms[i]);
        what_is_shown(b, &forms[i]);
    }
    trusted_names(b, &forms[0]);
    trusted_names(b, &forms[3]);
}
