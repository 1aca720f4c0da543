// SPDX-License-Identifier: Apache-2.0
// The one buffer of what this contract writes, one text at a time: a view's answer, an event, a promise's arguments.
#pragma once
#include "sdk/sdk.h"

struct out *reply(void);              // empty
struct out *reply_open(char bracket); // begun with '[' or '{'
void reply_close(char bracket);       // the answer ends with it and is given
void reply_end(void);                 // the answer is given as it is
