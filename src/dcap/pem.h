// SPDX-License-Identifier: Apache-2.0
// Certificates as PEM: nothing but BEGIN and END lines of certificates and base64 between them, in lines of whole
// groups of four, with LF or CRLF. No text before, between or behind.
#pragma once
#include "dcap/bytes.h"

// Each certificate's DER, in the arena's memory, in the order of the text; *count is how many there are, at most max.
// False when the text is anything else, or has more, or the memory does not suffice
// (three bytes for four of the text). With nul_tail, one NUL may stand
// at the end, as Intel's library leaves it in quotes.
[[nodiscard]] bool dcap_pem_certificates(struct bytes *certificates, size_t *count, struct dcap_arena *arena,
                                         struct bytes text, size_t max, bool nul_tail);
// Base64 in one line of whole groups of four; `out` may be where the text is.
[[nodiscard]] bool dcap_base64_decode(struct bytes *bytes, uint8_t *out, struct bytes text);
