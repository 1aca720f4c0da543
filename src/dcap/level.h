// SPDX-License-Identifier: Apache-2.0
// TCB levels: what a platform, a TDX module or a quoting enclave with certain security version numbers (SVNs) is worth.
// Statuses are spelled and merged as Intel does.
#pragma once
#include "dcap/json.h"

// name as Intel spells it. The first is no status: nothing has been shown.
#define DCAP_STATUSES(X)                                                                                               \
    X(NONE, "")                                                                                                        \
    X(UP_TO_DATE, "UpToDate")                                                                                          \
    X(SW_HARDENING, "SWHardeningNeeded")                                                                               \
    X(CONFIGURATION, "ConfigurationNeeded")                                                                            \
    X(CONFIGURATION_AND_SW_HARDENING, "ConfigurationAndSWHardeningNeeded")                                             \
    X(RELAUNCH, "TDRelaunchAdvised")                                                                                   \
    X(RELAUNCH_AND_CONFIGURATION, "TDRelaunchAdvisedConfigurationNeeded")                                              \
    X(OUT_OF_DATE, "OutOfDate")                                                                                        \
    X(OUT_OF_DATE_CONFIGURATION, "OutOfDateConfigurationNeeded")                                                       \
    X(REVOKED, "Revoked")

enum dcap_status {
#define X(name, text) DCAP_##name,
    DCAP_STATUSES(X)
#undef X
        DCAP_STATUS_COUNT
};
const char *dcap_status_name(enum dcap_status s);
// The status of this name; NONE for any other text.
enum dcap_status dcap_status_of(struct bytes text);
// What a platform is worth with a quoting enclave or TDX module of its own status.
enum dcap_status dcap_status_merge(enum dcap_status platform, enum dcap_status component);
// What a TD is worth that was launched with one TDX module and runs under another now.
enum dcap_status dcap_status_relaunch(enum dcap_status launch, enum dcap_status current);

// A level that was found.
struct dcap_level {
    enum dcap_status status;
    uint64_t date;           // tcbDate
    struct bytes advisories; // in the part, see dcap_advisory_next
};
// Takes the next advisory's id off the list; false at the end.
bool dcap_advisory_next(struct bytes *id, struct bytes *list);

// What a platform, a TDX module or a quoting enclave has; what it has not is 0, and no level of its kind asks for it.
struct dcap_svns {
    uint8_t sgx[16], tdx[16]; // where tdx[1], the module's version, is above 0, the first two do not count
    uint16_t pce, isv;        // isv: of a module or an enclave
    uint8_t isv_of, isv_index;
};
// One number that is lower than the best level asks for.
enum dcap_short_of { DCAP_SHORT_SGX, DCAP_SHORT_PCE, DCAP_SHORT_TDX, DCAP_SHORT_MODULE, DCAP_SHORT_QE };
struct dcap_short {
    uint8_t of, index; // enum dcap_short_of; which component, or the module's version
    uint16_t has, needs;
};
enum { DCAP_SHORTS = 36 };
struct dcap_shorts {
    uint8_t count;
    struct dcap_short s[DCAP_SHORTS];
};

// The number of a text's set, of 32 bits, into a field of 64 as it stands in a little-endian memory.
#define DCAP_LEVELS_NUMBER(type, member)                                                                               \
    { "tcbEvaluationDataNumber", offsetof(type, member), DCAP_JSON_NUMBER | DCAP_JSON_NEEDED, 4 }

// Levels as they are kept in a part, written while an array of them is read: of platforms, or of what has an isvsvn.
struct dcap_levels {
    struct dcap_writer *w;
    size_t at;                // where they begin, from the writer's start
    uint16_t count, with_tdx; // so far
    bool isv;
};
[[nodiscard]] bool dcap_level_take(struct dcap_json *j, struct dcap_levels *levels);
// The highest level that is reached (false when none is), and what is lacking for the best one (`shorts` may be NULL).
[[nodiscard]] bool dcap_levels_match(struct dcap_level *out, struct dcap_shorts *shorts, struct bytes levels,
                                     const struct dcap_svns *has);
