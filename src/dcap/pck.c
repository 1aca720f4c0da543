// SPDX-License-Identifier: Apache-2.0
#include "dcap/pck.h"
#include "dcap/der.h"

enum { PPID = 1, TCB, PCE_ID, FMSPC, SGX_TYPE, PLATFORM_ID, CONFIGURATION };
enum { TCB_ITEMS = 18, PCE_SVN = 17, CPU_SVN = 18, CONFIGURATION_ITEMS = 3 };

// Intel's arc 1.2.840.113741.1.13.1, one number of a group within it (0: none), one number.
static bool take_item(unsigned *number, struct bytes *value, struct bytes *list, uint8_t group) {
    struct bytes oid;
    if (!dcap_der_take(value, list, DER_SEQUENCE) || !dcap_der_take(&oid, value, DER_OID) ||
        !dcap_bytes_take(&oid, DCAP_LIT("\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01")) ||
        (group && !dcap_bytes_take(&oid, (struct bytes){&group, 1})) || oid.len != 1)
        return false;
    *number = oid.ptr[0];
    return true;
}

static bool read_octets(const uint8_t **out, struct bytes value, size_t len) {
    struct bytes octets;
    if (!dcap_der_only(&octets, value, DER_OCTET_STRING) || octets.len != len)
        return false;
    *out = octets.ptr;
    return true;
}

static bool read_number(uint32_t *out, struct bytes value, uint8_t tag, uint32_t max) {
    return dcap_der_small(out, &value, tag, max) && value.len == 0;
}

typedef bool read_item(struct dcap_pck *out, unsigned number, struct bytes value);

// All items of a list, each at most once; *seen has a bit for each number.
static bool read_items(struct dcap_pck *out, uint32_t *seen, struct bytes list, uint8_t group, read_item *read) {
    for (*seen = 0; list.len > 0;) {
        unsigned number;
        struct bytes value;
        if (!take_item(&number, &value, &list, group) || number > 31 || (*seen >> number & 1) ||
            !read(out, number, value))
            return false;
        *seen |= 1u << number;
    }
    return true;
}

static bool read_tcb_item(struct dcap_pck *out, unsigned number, struct bytes value) {
    uint32_t svn;
    if (number == CPU_SVN)
        return read_octets(&out->cpu_svn, value, 16);
    if (number == 0 || number > CPU_SVN ||
        !read_number(&svn, value, DER_INTEGER, number == PCE_SVN ? UINT16_MAX : UINT8_MAX))
        return false;
    if (number == PCE_SVN)
        out->pce_svn = (uint16_t)svn;
    else
        out->svn[number - 1] = (uint8_t)svn;
    return true;
}

static bool read_configuration_item(struct dcap_pck *out, unsigned number, struct bytes value) {
    bool *const flags[CONFIGURATION_ITEMS] = {&out->dynamic_platform, &out->cached_keys, &out->smt};
    return number >= 1 && number <= CONFIGURATION_ITEMS && dcap_der_boolean(flags[number - 1], &value) &&
           value.len == 0;
}

static bool read_top_item(struct dcap_pck *out, unsigned number, struct bytes value) {
    struct bytes list;
    uint32_t seen, type;
    switch (number) {
    case PPID: return read_octets(&out->ppid, value, 16);
    case TCB:
        return dcap_der_only(&list, value, DER_SEQUENCE) && read_items(out, &seen, list, TCB, read_tcb_item) &&
               seen == (1u << (TCB_ITEMS + 1)) - 2;
    case PCE_ID: return read_octets(&out->pce_id, value, 2);
    case FMSPC: return read_octets(&out->fmspc, value, 6);
    case SGX_TYPE:
        if (!read_number(&type, value, DER_ENUMERATED, 2))
            return false;
        out->sgx_type = (uint8_t)type;
        return true;
    case PLATFORM_ID: return read_octets(&out->platform_id, value, 16);
    case CONFIGURATION:
        return dcap_der_only(&list, value, DER_SEQUENCE) &&
               read_items(out, &seen, list, CONFIGURATION, read_configuration_item);
    }
    return false;
}

bool dcap_pck_parse(struct dcap_pck *out, struct bytes extension, enum dcap_ca ca, struct dcap_fault *f) {
    struct bytes list;
    uint32_t seen, wanted = (1u << ((ca == DCAP_CA_PLATFORM ? CONFIGURATION : SGX_TYPE) + 1)) - 2;
    memset(out, 0, sizeof *out);
    if (!dcap_der_only(&list, extension, DER_SEQUENCE) || !read_items(out, &seen, list, 0, read_top_item) ||
        seen != wanted)
        return dcap_fail(f, DCAP_PCK_FORMAT, DCAP_PART_PCK_CERT);
    return true;
}
