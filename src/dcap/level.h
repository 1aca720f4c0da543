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

// --- how levels are kept in a part, written by tcb_info.c and qe_identity.c

// The JSON array of ids (or nothing) as a list for dcap_advisory_next; *len is its length.
[[nodiscard]] bool dcap_advisories_put(struct dcap_writer *w, uint16_t *len, struct dcap_json *j, struct bytes raw);
// A status by its name, one of those that levels have; TCB_STATUS otherwise.
[[nodiscard]] bool dcap_status_read(uint8_t *out, struct dcap_json *j, struct bytes text);

// Levels of one SVN: of a quoting enclave and of a TDX module. An array of them is read by dcap_svn_level_take.
struct dcap_svn_levels {
    struct dcap_writer *w;
    size_t at;      // where they begin, from the writer's start
    uint16_t count; // so far
};
[[nodiscard]] bool dcap_svn_level_take(struct dcap_json *j, struct dcap_svn_levels *levels);
// The highest level that an SVN reaches. False when there is none. *best is the SVN that the best one asks for.
[[nodiscard]] bool dcap_svn_match(struct dcap_level *out, uint16_t *best, struct bytes levels, uint16_t svn);
