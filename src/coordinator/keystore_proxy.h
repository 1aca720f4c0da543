// SPDX-License-Identifier: Apache-2.0
// The way to the keystore: requests are passed on as they are, with this coordinator's token, and the answers come back
// byte for byte, since they are signed. What passes is ciphertext and signatures; nothing of it is logged.
#pragma once
#include "base/err.h"
#include "http/server.h"

struct keystore_proxy;
struct shared;
struct keystore_proxy_config {
    const char *base_url;   // NULL: no keystore; every question is answered with that
    const char *worker_url; // the keystore's listener for workers; NULL: base_url
    const char *token;
};
[[nodiscard]] bool keystore_proxy_new(struct keystore_proxy **out, struct shared *shared,
                                      const struct keystore_proxy_config *config, struct err *e);
void keystore_proxy_stop(struct keystore_proxy *p); // before the server's stop
void keystore_proxy_free(struct keystore_proxy *p); // after it. NULL is fine
