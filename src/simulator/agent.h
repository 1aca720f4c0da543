// SPDX-License-Identifier: Apache-2.0
// A call of the guest agent.
#pragma once
#include "base/clock.h"
#include "codec/json.h"
#include "crypto/hpke.h"
#include "simulator/sim.h"

struct agent_call {
    struct sim *sim;
    struct http_request *request;
    json_t *body; // NULL: asked for by GET
    struct control control;
};
