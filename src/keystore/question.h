// SPDX-License-Identifier: Apache-2.0
// The questions that a keystore is asked, read from their JSON bodies. Everything is bounded and of its type; nothing
// is decided here. Texts are in `a`. Members that are not known are refused.
#pragma once
#include "codec/json.h"
#include "secrets/record.h"
#include "secrets/values.h"

#define QUESTION_MAX (256u << 10)

// Whom it is asked at: goes into every scope and record.
struct question_place {
    const char *network, *contract;
    uint8_t identity[32];
};

// {"account_id","public_key","challenge","session_key","expires_at","signature"}
struct session_question {
    struct session_terms terms;
    struct public_key key;
    struct signature signature;
};
[[nodiscard]] bool session_question_read(struct session_question *out, struct arena *a, struct slice body,
                                         const struct question_place *at, struct err *e);

// {"session_id","counter","request_id","branch"?,"signature"}
struct decrypt_question {
    struct decrypt_terms terms;
    struct signature signature;
};
[[nodiscard]] bool decrypt_question_read(struct decrypt_question *out, struct arena *a, struct slice body,
                                         const struct question_place *at, struct err *e);

// {"repo","owner","branch"?,"names"?,"nonce"?}; `names` are checked as a user's.
struct pubkey_question {
    struct scope scope;
    bool has_nonce;
    uint8_t nonce[NONCE_SIZE];
};
[[nodiscard]] bool pubkey_question_read(struct pubkey_question *out, struct arena *a, struct slice body,
                                        const struct question_place *at, struct err *e);
// The same from texts, as a query has them; branch NULL or "": none.
[[nodiscard]] bool scope_of_texts(struct scope *out, struct arena *a, const struct question_place *at, const char *repo,
                                  const char *owner, const char *branch, struct err *e);

// {"owner","nonce","before"?}: what the audit log has of an owner's secrets. Who asks for him, the coordinator says.
struct audit_question {
    const char *owner;
    uint8_t nonce[NONCE_SIZE];
    uint64_t before; // 0: none
};
[[nodiscard]] bool audit_question_read(struct audit_question *out, struct arena *a, struct slice body, struct err *e);

// {"repo","owner","branch"?,"profile","encrypted_secrets_base64"?,"new_secrets":[{"name","generation_type"}],
//  "public_key"?,"nonce"?,"signature"?,"callback_url"?}
struct generate_question {
    struct scope scope;
    bool has_blob;
    struct slice blob;
    const char *names[SECRETS_MAX], *types[SECRETS_MAX];
    size_t count;
    bool has_nonce, is_signed; // public_key and signature were given
    struct public_key key;
    uint8_t nonce[NONCE_SIZE];
    struct signature signature;
    const char *callback_url; // NULL: none
};
[[nodiscard]] bool generate_question_read(struct generate_question *out, struct arena *a, struct slice body,
                                          const struct question_place *at, struct err *e);
