// SPDX-License-Identifier: Apache-2.0
// DER of revocation lists: what is taken gives as many serial numbers as it counts, and each of them is found. Canary:
// the seeds reach a list with entries.
#include "base/arena.h"
#include "base/err.h"
#include "dcap/crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct dcap_crl crl;
    struct dcap_fault f;
    if (!dcap_crl_parse(&crl, (struct bytes){data, size}, DCAP_PART_PCK_CRL, &f)) {
        BUG_ON(f.part != DCAP_PART_PCK_CRL || f.code < DCAP_CRL_FORMAT || f.code > DCAP_CRL_EXTENSION);
        return 0;
    }
    size_t room = crl.count * DCAP_SERIAL_SIZE;
    struct dcap_arena arena = {arena_alloc(a, room + 8), room, 0};
    struct dcap_writer w = dcap_write_into(&arena);
    dcap_crl_put_serials(&w, &crl);
    struct bytes list = dcap_written(&w);
    BUG_ON(list.len != room);
    for (size_t i = 0; i < crl.count; i++) {
        struct bytes serial = {list.ptr + i * DCAP_SERIAL_SIZE, DCAP_SERIAL_SIZE};
        while (serial.len > 0 && serial.ptr[0] == 0)
            serial.ptr++, serial.len--;
        BUG_ON(serial.len > 0 && !dcap_serials_have(list, serial));
    }
    return 0;
}
