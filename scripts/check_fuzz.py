#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The decoders of foreign bytes, and the target that fuzzes each: fails where a target or its seeds are missing."""
import pathlib
DECODERS = {  # what is decoded: the target's name (src/*/NAME_fuzz.c with src/*/seeds/NAME/)
    "JSON with large numbers (answers of the chain)": "json",
    "hexadecimal, base58 and base64 text": "hex",
    "settings files": "settings",
    "WebAssembly modules and components": "meter",
    "modules that builds leave": "artifact",
    "locks of Cargo packages": "cargo_lock",
    "signed transactions in borsh": "tx",
    "NEP-297 event lines": "events",
    "blocks of a neardata server": "blocks",
    "JSON-RPC requests": "rpc",
    "arguments of contract calls": "arguments",
    "arguments of the register contract's calls": "register_calls",
    "JSON that contracts read": "json_in",
    "conditions of access to secrets": "access",
    "repositories as people write them": "repo",
    "branches, tags and commits as people write them": "ref",
    "questions to the keystore": "question",
    "the audit log of the keystore, as whoever can write it leaves it": "audit_chain",
    "sealed secrets and what is in them": "blob",
    "words of accounts, of whoever asks": "word",
    "messages between a worker and a box": "wire",
    "questions to the broker of connections, orders and answers": "broker",
    "whom guests may reach, as operators write it": "rules",
    ".env files, as people and programs write them": "env_file",
    "notes of the keeper of a slot": "slot",
    "what workers report to the coordinator": "messages",
    "what was over when somebody looked, as strangers give it back": "snapshots",
    "what Redis answers": "redis_reply",
    "what collateral servers answer, and quotes as people hand them over": "forms",
    "quotes of SGX and TDX": "quote",
    "quotes, up to their verdict": "verify",
    "TCB info of Intel": "tcb_info",
    "identities of quoting enclaves": "qe_identity",
    "collateral objects": "collateral_object",
    "leases, build records and requests as a worker gets them": "lease",
    "policies by which quotes are judged": "policy_read",
    "answers of the guest agent of dstack": "dstack",
    "certificates (DER)": "cert",
    "revocation lists (DER)": "crl",
    "chains of certificates (PEM)": "pem",
    "what a PCK certificate says about its platform": "pck",
    "event logs of trust domains": "replay",
}
for what, name in DECODERS.items():
    targets = [t for top in ("src", "contracts") for t in pathlib.Path(top).glob(f"*/{name}_fuzz.c")]
    if not targets: print(f"{what}: no src/*/{name}_fuzz.c")
    seeds = [f for t in targets for f in (t.parent / "seeds" / name).glob("*")]
    if targets and not seeds: print(f"{what}: no seeds in {targets[0].parent}/seeds/{name}/")
for t in [t for top in ("src", "contracts") for t in pathlib.Path(top).glob("*/*_fuzz.c")]:
    if t.name[:-7] not in DECODERS.values(): print(f"{t}: not in the list of scripts/check_fuzz.py")
