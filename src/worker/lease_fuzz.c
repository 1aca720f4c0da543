// SPDX-License-Identifier: Apache-2.0
// The coordinator is not trusted: whatever it answers to a poll or for a build is refused with a reason or understood,
// and so are the contract's own words about a request. Canary: the seed `lease` is a good lease.
#include "protocol/build_record.h"
#include "worker/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct err e = {0};
    struct lease lease, again;
    struct chain_request request;
    struct build_record *records;
    size_t count;
    SCOPED_JSON(j) = json_parse_big(slice_of(data, size), 1 << 20, &e);
    if (!json_is_object(j))
        return 0;
    if (lease_parse(&lease, a, j, &e))
        BUG_ON(!lease_parse(&again, a, j, &e) || lease.task.request_id != again.task.request_id);
    else
        BUG_ON(!e.msg[0]);
    e.msg[0] = 0;
    if (!chain_request_parse(&request, a, j, &e))
        BUG_ON(!e.msg[0]);
    e.msg[0] = 0;
    if (records_parse(&records, &count, a, j, &e))
        BUG_ON(count > RECORDS_MAX ||
               (count && record_signature_good(&records[count - 1]) && !records[count - 1].repo));
    else
        BUG_ON(!e.msg[0]);
    return 0;
}
