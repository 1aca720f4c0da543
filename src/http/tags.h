// SPDX-License-Identifier: Apache-2.0
// Which representation a visitor has already (RFC 9110, 13.1.2).
#pragma once
#include "http/server.h"

// Whether its If-None-Match names this tag, "…" with its quotes, strong or weak, or any.
bool http_has_tag(struct http_request *r, const char *tag);
