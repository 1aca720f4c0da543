// SPDX-License-Identifier: Apache-2.0
// The one buffer of what a contract writes, one text at a time: a view's answer, an event, a promise's arguments.
#pragma once
#include "promise.h"

struct out *reply(void);              // empty
struct out *reply_open(char bracket); // begun with '[' or '{'
void reply_close(char bracket);       // the answer ends with it and is given
void reply_end(void);                 // the answer is given as it is

// The input, which is a contract's code as it is, takes this one's place, and its `migrate` {"code_hash"} is called
// with that much gas; when that stops, the old code stays.
struct promise upgrade_to_input(uint64_t gas);
