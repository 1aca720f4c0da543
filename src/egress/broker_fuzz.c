// SPDX-License-Identifier: Apache-2.0
// What a run that is in a stranger's hands may say to the broker, and what a broken broker may answer: only well-formed
// messages are taken, and what is taken is within its bounds.
// Canary: the seeds reach a question, an order and an answer that are taken.
#include "egress/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct egress_question q;
    struct egress_order o;
    struct egress_answer a;
    if (egress_question_valid(data, size, &q)) {
        BUG_ON(size != sizeof q || !q.host[0] || !memchr(q.host, 0, sizeof q.host) || q.tried_count > EGRESS_TRIED_MAX);
        BUG_ON(!q.port || q.timeout_ms > EGRESS_WAIT_MAX_MS || strpbrk(q.host, " \r\n/@%") != NULL);
        struct address x;
        char text[ADDRESS_TEXT_MAX];
        if (address_parse(&x, q.host))
            BUG_ON(!address_parse(&x, address_text(x, text)));
    }
    if (egress_order_valid(data, size, &o))
        BUG_ON(o.kind >= EGRESS_ORDERS);
    if (egress_answer_valid(data, size, &a))
        BUG_ON(a.end >= EGRESS_ENDS);
    return 0;
}
