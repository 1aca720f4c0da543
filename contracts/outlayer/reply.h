// SPDX-License-Identifier: Apache-2.0
// A view's answer, written into the one buffer that all views share.
#pragma once
#include "sdk/sdk.h"

struct out *reply(void);              // empty
struct out *reply_open(char bracket); // begun with '[' or '{'
void reply_close(char bracket);       // the answer ends with it and is given
void reply_end(void);                 // the answer is given as it is
