#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The contract's money on a chain: random sequences of its methods, of answers, of yields that time out, of refunds
that bounce and of upgrades. After each step the account's balance must cover what it owes (open payments, storage
deposits, kept refunds, fees not yet withdrawn), and what is beyond must be exactly the gas rewards and gifts of the
test's ledger. And the bytes of its state must be those of the records that there should be, each kind by whoever paid
for it."""
import base64, contextlib, hashlib, json, os, random, struct

import kit, near
from kit import check, equal
from keystore_world import CONTRACT, World

STEPS = int(os.environ.get("MONEY_STEPS", "2000"))
OPEN_MAX = 5
REPOS, PROFILES = ("github.com/a/b", "github.com/c/d"), ("p", "q", "r")
USED = {"instructions": 5_000_000, "time_ms": 40, "compile_time_ms": None}


SINGLE = (b"STATE", b"OPERATORS", b"KEYSTORE")


def stored(record):
    """Bytes that a record of (key, value) takes."""
    return 40 + len(record[0]) + len(record[1])


class Money:
    def __init__(self, w, seed):
        self.w, self.random = w, random.Random(seed)
        self.people = [w.alice, w.bob]
        # an owner of its own: the contract's account would pay for the gas of what it signs
        self.boss = self.owner = w.root.create("boss.test.near", 100 * near.NEAR)
        w.ok(w.owner.send(CONTRACT, near.call("set_owner", {"new_owner_id": self.boss.id})))
        w.ok(self.boss.send(CONTRACT, near.call("accept_owner")))
        self.ledger = 0  # rewards and gifts
        self.open = {}  # request id: hash of its transaction
        self.sent = {}  # transactions of which something may still run: hash: signer
        self.height, self.amount = 0, 0  # how far rewards are counted; the balance there
        self.count()
        self.ledger = 0
        self.bare = self.balance()[1] - sum(map(stored, self.records().values()))  # of the account without its records
        self.cancelled = set()  # transactions whose requests ended before their yields
        self.withdrawn = 0
        self.done = {}
        with open(kit.built("contracts/outlayer.wasm"), "rb") as f:
            self.code = f.read()

    # --- the chain
    def view(self, method, args=None):
        return near.view_value(self.w.url, CONTRACT, method, args)

    def balance(self):
        got = kit.rpc(self.w.url, "query",
                      {"request_type": "view_account", "finality": "optimistic", "account_id": CONTRACT})["result"]
        return int(got["amount"]), got["storage_usage"]

    def records(self):
        got = kit.rpc(self.w.url, "query", {"request_type": "view_state", "finality": "optimistic",
                                            "account_id": CONTRACT, "prefix_base64": ""})["result"]
        plain = lambda x: base64.b64decode(x)
        return {plain(x["key"]): (plain(x["key"]), plain(x["value"])) for x in got["values"]}

    def count(self):
        """Adds the rewards of all blocks that are new: what the chain itself says that it gave for gas."""
        head = kit.rpc(self.w.url, "block", {"finality": "optimistic"})["result"]["header"]["height"]
        for height in range(self.height + 1, head + 1):
            got = kit.rpc(self.w.url, "EXPERIMENTAL_changes",
                          {"changes_type": "account_changes", "account_ids": [CONTRACT], "block_id": height})
            for change in got.get("result", {}).get("changes", []):
                amount = int(change["change"]["amount"])
                if change["cause"]["type"] == "action_receipt_gas_reward":
                    self.ledger += amount - self.amount
                self.amount = amount
        self.height = head

    def call(self, who, method, args=None, deposit=0, gas=100 * near.TGAS, wait="FINAL"):
        """Whether the call succeeded."""
        self.signed = who.signed(CONTRACT, near.call(method, args, gas=gas, deposit=deposit))
        answer = kit.rpc(self.w.url, "send_tx", {"signed_tx_base64": self.signed[0], "wait_until": wait})
        if "result" not in answer:
            raise RuntimeError(f"{method}: {answer}")
        self.sent[self.signed[1]] = who.id
        status = answer["result"].get("status")
        return isinstance(status, dict) and "SuccessValue" in status

    # --- steps; each returns whether it did something
    def request(self):
        if len(self.open) >= OPEN_MAX:
            return False
        who, before = self.random.choice(self.people), set(self.view("get_pending_request_ids"))
        args = {"code_source": {"repo": "https://github.com/a/b", "commit": "main"},
                "input_data": "x" * self.random.randrange(300),
                "resource_limits": {"max_instructions": 10_000_000, "max_memory_mb": 64, "max_execution_seconds": 1}}
        kind = self.random.randrange(4)
        if kind == 1:
            args["payer_account_id"] = self.random.choice(self.people).id
        if kind == 2:
            args["payer_account_id"] = f"nobody{self.random.randrange(4)}.near"  # its refund bounces
        deposit = self.random.choice((near.NEAR // 10, near.NEAR // 50, near.NEAR // 220,
                                      near.NEAR // 600))  # the last one is refused
        self.call(who, "request_execution", args, deposit, 250 * near.TGAS, wait="INCLUDED")
        hash_ = self.signed[1]
        def settled():
            got = kit.rpc(self.w.url, "tx", {"tx_hash": hash_, "sender_account_id": who.id, "wait_until": "NONE"})
            new = set(self.view("get_pending_request_ids")) - before
            failed = "Failure" in str(got.get("result", {}).get("status"))
            return (new or {None}) if new or failed else None
        for i in kit.until(settled):
            if i is not None:
                self.open[i] = hash_
                return True
        return False

    def some_open(self):
        return self.random.choice(sorted(self.open)) if self.open else self.random.randrange(50)

    def answer(self):
        i, kind = self.some_open(), self.random.randrange(4)
        small, large = {"Text": "y" * self.random.randrange(200)}, {"Text": "z" * self.random.randrange(3000)}
        if kind == 0:
            return self.call(self.w.operator, "submit_execution_output", {"request_id": i, "output": large})
        if kind == 1:
            return self.call(self.w.operator, "submit_execution_output_and_resolve",
                             {"request_id": i, "output": large, "success": True, "resources_used": USED})
        failure = self.random.choice((None, "guest", "build", "access", "platform"))
        response = {"success": failure is None, "output": small if failure is None else None, "error": failure,
                    "failure": failure, "resources_used": USED}
        return self.call(self.w.operator, "resolve_execution", {"request_id": i, "response": response})

    def extend(self):
        return self.call(self.w.operator, "extend_execution", {"request_id": self.some_open()})

    def time_out(self):
        kit.rpc(self.w.url, "sandbox_fast_forward", {"delta_height": 205})
        self.cancelled = set()
        return bool(kit.until(lambda: not self.view("get_pending_request_ids"))) and bool(self.open)

    def cancelling(self, who, method, args, **more):
        done = self.call(who, method, args, **more)
        pending = set(self.view("get_pending_request_ids"))
        self.cancelled |= {h for i, h in self.open.items() if i not in pending}
        return done

    def grow_old(self, i):
        """A request that has stayed for 600 s is one whose callback failed: here the time it was made is put back."""
        key = b"r" + struct.pack("<Q", i)
        value, made = self.records()[key][1], self.view("get_request", {"request_id": i})["timestamp"]
        old = value.replace(struct.pack("<Q", made), struct.pack("<Q", made - 601 * 10 ** 9))
        text = lambda x: base64.b64encode(x).decode()
        kit.rpc(self.w.url, "sandbox_patch_state",
                {"records": [{"Data": {"account_id": CONTRACT, "data_key": text(key), "value": text(old)}}]})

    def cancel(self):
        never_extended = [i for i in self.open
                          if not (self.view("get_request", {"request_id": i}) or {"extensions": 1})["extensions"]]
        if never_extended and self.random.randrange(3):
            i = self.random.choice(never_extended)
            self.grow_old(i)
            return self.cancelling(self.random.choice(self.people), "cancel_stale_execution", {"request_id": i})
        return self.cancelling(self.random.choice(self.people), "cancel_stale_execution",
                               {"request_id": self.some_open()})

    def cancel_by_owner(self):
        if self.random.randrange(3):
            return self.cancelling(self.owner, "emergency_cancel_execution", {"request_id": self.some_open()})
        return self.cancelling(self.owner, "clear_all_pending_requests", {"limit": self.random.randrange(4)},
                               gas=300 * near.TGAS)

    def name(self):
        return {"repo": self.random.choice(REPOS), "profile": self.random.choice(PROFILES),
                "branch": self.random.choice((None, None, "main", "dev"))}

    def access(self):
        return self.random.choice(("AllowAll", {"Whitelist": {"accounts": ["a.near"] * self.random.randrange(9)}}))

    def store(self):
        blob = base64.b64encode(os.urandom(self.random.randrange(1, 200))).decode()
        deposit = self.random.choice((0, near.NEAR // 200, near.NEAR // 20))
        return self.call(self.random.choice(self.people), "store_secrets",
                         {**self.name(), "encrypted_secrets_base64": blob, "access": self.access()}, deposit)

    def update(self):
        return self.call(self.random.choice(self.people), "update_access", {**self.name(), "new_access": self.access()},
                         self.random.choice((0, near.NEAR // 100)))

    def remove(self):
        return self.call(self.random.choice(self.people), "delete_secrets", self.name())

    def claim(self):
        return self.call(self.random.choice(self.people), "claim_refund",
                         {"account_id": f"nobody{self.random.randrange(4)}.near"}, gas=100 * near.TGAS)

    def withdraw(self):
        earned = int(self.view("get_stats")[1]) - self.withdrawn
        amount = self.random.choice((earned, earned // 2, earned + 1))
        done = self.call(self.owner, "withdraw_fees", {"amount": str(amount)})
        self.withdrawn += amount if done else 0
        return done

    def hand_over(self):
        other = self.w.alice if self.owner is self.boss else self.boss
        self.call(self.owner, "set_owner", {"new_owner_id": other.id})
        done = self.call(other, "accept_owner")
        self.owner = other if done else self.owner
        return done

    def upgrade(self):
        self.signed = self.owner.signed(CONTRACT, near.call("upgrade", self.code, gas=300 * near.TGAS))
        answer = kit.rpc(self.w.url, "send_tx", {"signed_tx_base64": self.signed[0], "wait_until": "FINAL"})["result"]
        self.sent[self.signed[1]] = self.owner.id
        return "SuccessValue" in answer["status"]

    def prices(self):
        fee = self.random.choice((10 ** 21, 2 * 10 ** 20))
        return self.call(self.owner, "set_pricing", {"base_fee": str(fee)})

    def gift(self):
        amount = self.random.randrange(1, 10 ** 22)
        self.w.ok(self.w.alice.send(CONTRACT, near.transfer(amount), wait="FINAL"))
        self.ledger += amount
        return True

    STEPS = {request: 30, answer: 28, extend: 5, time_out: 3, cancel: 3, cancel_by_owner: 2, store: 12, update: 6,
             remove: 7, claim: 3, withdraw: 3,
             hand_over: 1, upgrade: 1, prices: 1, gift: 1}

    # --- the law
    def look(self):
        """Waits until what was sent has run; only yields of pending and of cancelled requests may still be open."""
        def quiet():
            pending = set(self.view("get_pending_request_ids"))
            waiting = {self.open[i] for i in self.open if i in pending} | self.cancelled
            for hash_, signer in list(self.sent.items()):
                got = kit.rpc(self.w.url, "tx",
                              {"tx_hash": hash_, "sender_account_id": signer, "wait_until": "NONE"}).get("result", {})
                if got.get("final_execution_status") in ("FINAL", "EXECUTED"):
                    del self.sent[hash_]
            self.open = {i: h for i, h in self.open.items() if i in pending}
            return set(self.sent) <= waiting
        return kit.until(quiet)

    def balanced(self, first):
        """Looked at between two blocks: a yield that times out by itself may run while this is read."""
        def same():
            self.count()
            height, spare = self.height, self.spare()
            self.count()
            self.found = (spare - first, self.ledger)
            return height == self.height and spare == first + self.ledger
        return kit.until(same)

    def owed(self):
        pending = [self.view("get_request", {"request_id": i}) for i in self.view("get_pending_request_ids")]
        secrets = [x for p in self.people for x in self.view("list_user_secrets", {"account_id": p.id})]
        counters = {(p.id, x["repo"], x["profile"]) for p in self.people
                    for x in self.view("list_user_secrets", {"account_id": p.id}) if x["branch"]}
        kept = [self.view("get_claimable", {"account_id": f"nobody{i}.near"}) for i in range(4)]
        return (sum(int(q["payment_yocto"]) for q in pending) + sum(int(x["storage_deposit"]) for x in secrets)
                + len(counters) * (40 + 33 + 4) * 10 ** 19 + sum(map(int,
                                                                     kept)) + int(self.view("get_stats")[1]) - self.withdrawn)

    def spare(self):
        return self.balance()[0] - self.owed()

    def storage(self):
        """What is wrong with the account's state; None: nothing."""
        records, usage = self.records(), self.balance()[1]
        by_kind = lambda letters: sum(stored(r) for k, r in records.items() if k[:1] in letters and k not in SINGLE)
        secrets = [x for p in self.people for x in self.view("list_user_secrets", {"account_id": p.id})]
        counters = {(x["repo"], x["profile"], p.id) for p in self.people
                    for x in self.view("list_user_secrets", {"account_id": p.id}) if x["branch"]}
        paid = sum(int(x["storage_deposit"]) for x in secrets) + len(counters) * (40 + 33 + 4) * 10 ** 19
        if usage != self.bare + sum(map(stored, records.values())):
            return f"storage_usage is {usage}, the records make it {self.bare + sum(map(stored, records.values()))}"
        if by_kind((b"s", b"x", b"u", b"g", b"b")) * 10 ** 19 != paid:
            return f"secrets bind {by_kind((b's', b'x', b'u', b'g', b'b'))} bytes and have paid {paid}"
        pending = self.view("get_pending_request_ids")
        if sorted(k for k in records if k[:1] == b"r") != sorted(b"r" + struct.pack("<Q", i) for i in pending):
            return "the records of requests are not those of pending ones"
        for i in pending:
            q = self.view("get_request", {"request_id": i})
            output, binds = records.get(b"o" + struct.pack("<Q", i)), stored(records[b"r" + struct.pack("<Q", i)])
            if (output is not None) != q["output_submitted"] or int(q["payment_yocto"]) < binds * 10 ** 19:
                return f"request {i} binds {binds} bytes, its payment is {q['payment_yocto']}"
        if [k for k in records if k[:1] == b"o" and k not in SINGLE and struct.unpack("<Q", k[1:])[0] not in pending]:
            return "an output without its request"
        for k, r in records.items():
            if k[:1] == b"c" and int.from_bytes(r[1], "little") <= stored(r) * 10 ** 19:
                return f"the refund kept for {k[1:]} does not pay its record"
        strays = [k for k in records if k[:1] not in (b"s", b"x", b"u", b"g", b"b", b"r", b"o", b"c")
                  and k not in SINGLE]
        return f"records that should not be there: {strays}" if strays else None


def test_money_is_conserved():
    seed = int(os.environ.get("MONEY_SEED", "20251116"))
    with kit.folder() as home:
        with contextlib.ExitStack() as stack:
            m = Money(World(stack, home), seed)
            first = m.spare()
            for step in range(STEPS):
                act = m.random.choices(list(Money.STEPS), list(Money.STEPS.values()))[0]
                did = act(m)
                name = act.__name__
                m.done[name] = m.done.get(name, [0, 0])
                m.done[name][0 if did else 1] += 1
                if not check_quietly(m.look(), f"step {step} ({name}, seed {seed}): everything that it caused has run"):
                    return
                if not check_quietly(m.balanced(first),
                                     f"step {step} ({name}, seed {seed}): beyond what is owed are {m.found[0]}, not {m.found[1]}"):
                    return
                wrong = kit.until(lambda: not m.storage()) or m.storage()
                if not check_quietly(wrong is True or not wrong, f"step {step} ({name}, seed {seed}): {wrong}"):
                    return
                balance, usage = m.balance()
                if not check_quietly(balance >= usage * 10 ** 19,
                                     f"step {step} ({name}, seed {seed}): the balance does not cover the state"):
                    return
            check(f"{STEPS} steps: balance = owed + rewards + gifts", True)
            never = [f.__name__ for f in Money.STEPS if not m.done.get(f.__name__, [0])[0]]
            equal("every kind of step has succeeded", never, [])


# (module (func (export "migrate") unreachable))
STOPS = bytes.fromhex("0061736d0100000001040160000003020100070b01076d69677261746500000a05010300000b")


def test_upgrades_happen_or_leave_no_trace():
    """A watcher that reads contract_upgraded looks for new code; one that was told of an upgrade that failed looks in
    vain."""
    with kit.folder() as home, contextlib.ExitStack() as stack:
        w = World(stack, home)

        def upgrade(code):
            result = w.owner.send(CONTRACT, near.call("upgrade", code, gas=300 * near.TGAS))["result"]
            logs = [line for r in result["receipts_outcome"] for line in r["outcome"]["logs"]]
            return "SuccessValue" in result["status"], [line for line in logs if "contract_upgraded" in line]

        def code_hash():
            return kit.rpc(w.url, "query", {"request_type": "view_account", "finality": "final",
                                            "account_id": CONTRACT})["result"]["code_hash"]

        def built(name):
            with open(kit.built(f"contracts/{name}.wasm"), "rb") as f:
                return f.read()

        before, state = code_hash(), near.view_value(w.url, CONTRACT, "get_version")
        for name, code in (("code without migrate", built("counter")), ("a migrate that stops", STOPS),
                           ("what is no code", b"\0asm\1\0\0\0\xff\xff")):
            equal(f"{name}: it fails, and no event says otherwise", upgrade(code), (False, []))
            equal(f"{name}: the old code and its state stay",
                  (code_hash(), near.view_value(w.url, CONTRACT, "get_version")), (before, state))
        done, events = upgrade(built("outlayer"))
        said = json.loads(events[0].split(":", 1)[1])["data"][0] if len(events) == 1 else events
        equal("an upgrade says which code there is now", (done, said),
              (True, {"code_hash": hashlib.sha256(built("outlayer")).hexdigest()}))


def check_quietly(condition, detail):
    return condition or check("money is conserved", False, detail)


if __name__ == "__main__":
    kit.main(globals())
