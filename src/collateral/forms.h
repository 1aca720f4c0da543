// SPDX-License-Identifier: Apache-2.0
// The forms in which people, quoting services and collateral servers hand over bytes, brought to one. Everything here
// reads strangers' bytes, is bounded by its input, and says nothing about whether what it found is true.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "dcap/quote.h"

#define QUOTE_FILE_MAX (1u << 20) // a file with a quote in it: dstack's answer has the event log beside it
#define CRL_MAX (1u << 20)
#define CHAIN_MAX (64u << 10)

// A quote as bytes, from its bytes, hexadecimal, base64 (both with or without line ends), or a JSON object that has it
// as `quote`, `tdx_quote` or `tdx_quote_hex`: what dstack's GetQuote answers, and what the register contract takes.
[[nodiscard]] bool quote_read(struct slice *out, struct arena *a, struct slice file, struct err *e);

// A revocation list as DER, from DER, PEM ("X509 CRL"), hexadecimal or base64.
[[nodiscard]] bool crl_read(struct slice *out, struct arena *a, struct slice text, struct err *e);

// An issuer chain as PEM from the value of a header, in which it is percent-encoded. A value that is PEM already stays
// as it is. Escapes that are none, and characters that no PEM text has, are refused.
[[nodiscard]] bool chain_read(struct slice *out, struct arena *a, const char *header, struct err *e);

// What a server signed: the value of `name` exactly as it stands in the body, and the 64 bytes of `signature` beside
// it. A member that is there twice, or a name that is written with escapes, is refused: two readers could see two
// texts.
struct signed_text {
    struct slice text; // in the body
    uint8_t signature[64];
};
[[nodiscard]] bool signed_text_read(struct signed_text *out, struct slice body, const char *name, struct err *e);
