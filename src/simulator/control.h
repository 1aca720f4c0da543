// SPDX-License-Identifier: Apache-2.0
// What the simulator does wrong on purpose: a JSON file, read again at each request, so that a test changes its mind
// while clients are at it. No file: everything is right.
//   {"agent": FAULT, "quote": FAULT, "quote_ms": N, "pcs": FAULT, "crl": "der"|"pem"|"hex", "tcb": {"status": TEXT,
//    "advisories": "A,B", "early_status": TEXT, "evaluation": N, "revoked": BOOL}}
#pragma once
#include "base/arena.h"
#include "base/err.h"

// name in the file
#define SIM_FAULTS(X)                                                                                                  \
    X(OK, "ok")                                                                                                        \
    X(BUSY, "busy")         /* as the kernel's driver with two quotes at a time */                                     \
    X(ERROR, "error")       /* 500 */                                                                                  \
    X(SILENT, "silent")     /* no answer until the client goes */                                                      \
    X(HALF, "half")         /* the connection ends within the answer */                                                \
    X(OVERSIZE, "oversize") /* valid, and a megabyte */                                                                \
    X(GARBAGE, "garbage")   /* 200, and no JSON */                                                                     \
    X(LYING, "lying")       /* a quote of other report data; collateral with a changed byte */                         \
    X(STALE, "stale")       /* collateral that has expired */                                                          \
    X(UNAVAILABLE, "503")                                                                                              \
    X(TOO_MANY, "429")                                                                                                 \
    X(GONE, "410")                                                                                                     \
    X(MISSING, "404")
enum sim_fault {
#define X(code, name) SIM_##code,
    SIM_FAULTS(X)
#undef X
};

struct control {
    enum sim_fault agent, quote, pcs;
    uint64_t quote_ms;
    const char *crl;                     // NULL: what was asked for
    const char *tcb_status, *advisories; // NULL: UpToDate and none
    const char *early_status;            // in the set behind the standard one; NULL: the same
    uint64_t evaluation;                 // of the standard set
    bool revoked;                        // this platform's certificate is in the PCK list
};
// Texts live in `a`. `quote_ms` is what counts where the file says nothing.
[[nodiscard]] bool control_read(struct control *out, struct arena *a, const char *path, uint64_t quote_ms,
                                struct err *e);
