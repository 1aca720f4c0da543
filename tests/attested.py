# SPDX-License-Identifier: Apache-2.0
"""The digest of an attestation from its parts, as src/protocol/attestation.h says it, and by nothing of ours."""
import hashlib, struct


def digest(parts, contract_id=None, request_id=None):
    """parts: as the coordinator shows them (digest_parts), or as a worker reports them, with the request's key."""
    if contract_id is None:
        contract_id, request_id = parts["contract_id"], parts["request_id"]
    text = lambda s: struct.pack("<I", len(s.encode())) + s.encode()
    number = lambda n: struct.pack("<Q", int(n))
    raw, limits, secrets = bytes.fromhex, parts["resource_limits"], parts["secrets_ref"]
    return hashlib.sha256(b"".join((
        text("outlayer-attestation-v1"), text(parts["network"]), text(contract_id), number(request_id), raw(parts["data_id"]), text(parts["sender_id"]), text(parts["repo"]),
        text(parts["commit"]), text(parts["build_target"]), raw(parts["build_key"]), raw(parts["wasm_hash"]),
        raw(parts["input_hash"]), raw(parts["output_hash"]), bytes([parts["success"]]), number(parts["instructions"]),
        *(number(limits[k]) for k in ("max_instructions", "max_memory_mb", "max_execution_seconds")),
        text(parts["price_list"]),
        b"\0" if secrets is None else b"\1" + text(secrets["profile"]) + text(secrets["account_id"]),
        text(parts["engine"]), text(parts["measurement"]), number(parts["block_height"])))).hexdigest()
