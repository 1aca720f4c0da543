# SPDX-License-Identifier: Apache-2.0
"""HPKE (RFC 9180: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305) for the black-box tests,
standard library only, slow and plain. Independent of the C code that the tests look at."""
import hashlib, hmac, os, struct

P = 2 ** 255 - 19


def x25519(secret, point):
    """RFC 7748 §5."""
    k = int.from_bytes(secret, "little") & ~7 & ~(128 << 8 * 31) | 64 << 8 * 31
    x1 = int.from_bytes(point, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


class Pair:
    def __init__(self, secret=None):
        self.secret = secret or os.urandom(32)
        self.public = x25519(self.secret, (9).to_bytes(32, "little"))


# --- ChaCha20-Poly1305 (RFC 8439)
def _quarter(s, a, b, c, d):
    for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = s[x] + s[y] & 0xffffffff
        v = s[z] ^ s[x]
        s[z] = (v << n | v >> 32 - n) & 0xffffffff


def _block(key, counter, nonce):
    start = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce)
    s = list(start)
    for _ in range(10):
        for q in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12),
                  (2, 7, 8, 13), (3, 4, 9, 14)):
            _quarter(s, *q)
    return struct.pack("<16I", *(x + y & 0xffffffff for x, y in zip(s, start)))


def _crypt(key, nonce, data):
    out = b""
    for i in range(0, len(data), 64):
        out += bytes(x ^ y for x, y in zip(data[i:i + 64], _block(key, 1 + i // 64, nonce)))
    return out


def _tag(key, nonce, aad, ciphertext):
    one = _block(key, 0, nonce)
    r = int.from_bytes(one[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    s = int.from_bytes(one[16:32], "little")
    pad = lambda x: x + bytes(-len(x) % 16)
    message = pad(aad) + pad(ciphertext) + struct.pack("<QQ", len(aad), len(ciphertext))
    acc = 0
    for i in range(0, len(message), 16):
        acc = (acc + int.from_bytes(message[i:i + 16] + b"\1", "little")) * r % (2 ** 130 - 5)
    return (acc + s & (1 << 128) - 1).to_bytes(16, "little")


# --- HPKE
KEM, SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x03"


def _extract(suite, salt, label, ikm):
    return hmac.new(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, hashlib.sha256).digest()


def _expand(suite, prk, label, info, n):
    info, out, block, i = struct.pack(">H", n) + b"HPKE-v1" + suite + label + info, b"", b"", 1
    while len(out) < n:
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha256).digest()
        out, i = out + block, i + 1
    return out[:n]


def _context(dh, enc, recipient, info):
    shared = _expand(KEM, _extract(KEM, b"", b"eae_prk", dh), b"shared_secret", enc + recipient, 32)
    schedule = b"\0" + _extract(SUITE, b"", b"psk_id_hash", b"") + _extract(SUITE, b"", b"info_hash", info)
    secret = _extract(SUITE, shared, b"secret", b"")
    return _expand(SUITE, secret, b"key", schedule, 32), _expand(SUITE, secret, b"base_nonce", schedule, 12)


def seal(public, info, plain, ephemeral=None):
    e = ephemeral or Pair()
    key, nonce = _context(x25519(e.secret, public), e.public, public, info)
    ciphertext = _crypt(key, nonce, plain)
    return e.public + ciphertext + _tag(key, nonce, b"", ciphertext)


def open_sealed(pair, info, sealed):
    """The plaintext, None when it does not open."""
    enc, ciphertext, tag = sealed[:32], sealed[32:-16], sealed[-16:]
    key, nonce = _context(x25519(pair.secret, enc), enc, pair.public, info)
    return _crypt(key, nonce, ciphertext) if hmac.compare_digest(tag, _tag(key, nonce, b"", ciphertext)) else None
