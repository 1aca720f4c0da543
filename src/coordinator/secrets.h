// SPDX-License-Identifier: Apache-2.0
// The way to the keystore: requests are passed on as they are, with this coordinator's token, and the answers come back
// byte for byte, since they are signed. What passes is ciphertext and signatures; nothing of it is logged.
#pragma once
#include "base/err.h"
#include "http/server.h"

struct secrets_proxy;
// base_url NULL: no keystore; every question is answered with that.
[[nodiscard]] bool secrets_proxy_new(struct secrets_proxy **out, const char *base_url, const char *token,
                                     struct err *e);
void secrets_proxy_stop(struct secrets_proxy *p); // before the server's stop
void secrets_proxy_free(struct secrets_proxy *p); // after it. NULL is fine
