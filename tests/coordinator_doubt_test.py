#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Workers that contradict each other, or the chain: the coordinator asks the chain, and goes by that. Real daemons on
a real contract; what is forged is posted with a token, as somebody would who has stolen one."""
import json, os

import coordinator_world, kit, near
from fakes.wire import Wire
from kit import check, equal
from near import Account, NEAR
from worker_world import CONTRACT, ECHO, METHODS, World, c_repo

SECOND, SECOND_OPERATOR = "second.test.near", "other-operator.test.near"


class Fleet(World):
    """The devnet with a coordinator that can ask it, as long as `wire` lets it."""

    def __init__(self, home, contract_id=CONTRACT, **devnet):
        super().__init__(home, **devnet)
        self.wire = Wire(self.net.url)
        place = os.path.join(home, "coordinator")
        os.makedirs(place)
        token = coordinator_world.token_of(place)
        self.real = coordinator_world.Coordinator(place, NEAR_RPC_URL=self.wire.url,
                                                  **({"OFFCHAINVM_CONTRACT_ID": contract_id} if contract_id else {}))
        self.real.token = token
        self.token_file = os.path.join(home, "real-token")
        with open(self.token_file, "w") as f:
            f.write(token)

    def at(self, coordinator=None, **env):
        """A worker's settings for this coordinator."""
        fleet = coordinator or self
        return {"API_BASE_URL": fleet.real.url, "API_AUTH_TOKEN_FILE": fleet.token_file, **env}

    def monitor(self):
        return {"ENABLE_EVENT_MONITOR": "true", "NEARDATA_API_URL": self.net.url, "START_BLOCK_HEIGHT": "1"}

    def outcome(self, id, contract=CONTRACT):
        rows = self.real.jobs(f"?contract_id={contract}&request_id={id}")[1]
        return rows and rows[0]["outcome"]

    def create(self, task, **more):
        return self.real.call("POST", "/tasks/create", {**task, **more})

    def fail(self, task, token, reason="it differs"):
        return self.real.call("POST", "/tasks/fail", {"contract_id": task["contract_id"], "request_id": task["request_id"],
                                                      "token": token, "reason": reason, "retry": False})


def forged(id, **more):
    """What somebody makes up who does not know the request."""
    return coordinator_world.task(id, **more)


def asks(w, repo, wanted):
    """Requests of (text, contract) in a row; their transactions."""
    nonce = w.alice.nonce() + 1
    return [w.ask_chain(repo, text, nonce=nonce + n, contract=contract) for n, (text, contract) in enumerate(wanted)]


def second_contract(w):
    """Another contract of the same kind with an operator of its own; that one's key."""
    with open(os.path.join(w.home, "devnet", "test.near.json")) as f:
        root = Account(w.net.url, "test.near", near.Key.parse(json.load(f)["private_key"]))
    contract, operator = root.create(SECOND, 100 * NEAR), root.create(SECOND_OPERATOR, 100 * NEAR)
    with open(kit.built(w.code), "rb") as f:
        done = contract.send(SECOND, near.deploy(f.read()),
                             near.call("new", {"owner_id": SECOND, "operator_id": SECOND_OPERATOR}))
    assert "SuccessValue" in done["result"]["status"], json.dumps(done)[:800]
    key = near.Key()
    operator.send(SECOND_OPERATOR, near.add_call_key(key.public, SECOND, METHODS, 10 * NEAR))
    path = os.path.join(w.home, "second-key")
    with open(path, "w") as f:
        f.write(key.secret)
    return path


def test_two_contracts():
    with kit.folder() as home:
        w = Fleet(home)
        repo, key = c_repo(w, "echo", ECHO), second_contract(w)
        second = {"OFFCHAINVM_CONTRACT_ID": SECOND, "OPERATOR_ACCOUNT_ID": SECOND_OPERATOR,
                  "OPERATOR_PRIVATE_KEY_FILE": key}
        with w.worker("one", **w.at(**w.monitor())) as one, w.worker("two", **w.at(**w.monitor(), **second)) as two:
            wanted = [(f"{contract} {n}", contract) for n in range(3) for contract in (CONTRACT, SECOND)]
            got = [w.answer(tx)[1] for tx in asks(w, repo, wanted)]
            equal("both contracts' requests are served", got, [text for text, _ in wanted])
            check("each by its own worker, none refused",
                  all("given back" not in x.output() for x in (one, two)), (one.output()[-600:], two.output()[-600:]))
        poll = lambda **q: w.real.call("GET", "/tasks/poll?timeout=0&worker_id=x&" + "&".join(
            f"{k}={v}" for k, v in q.items()))
        w.create(forged(900, contract_id=SECOND))
        equal("a poll that names no contract gets the setting's", poll()[0], 204)
        equal("one that names it gets it", poll(contract_id=SECOND, network="devnet")[0], 200)
        for what, path, method in (("poll", "/tasks/poll?timeout=0&network=testnet", "GET"),
                                   ("create", "/tasks/create?network=testnet", "POST")):
            status, said = w.real.call(method, path, forged(901) if method == "POST" else None)
            check(f"a {what} for another network is told so", status == 400 and "devnet" in said["error"]["message"]
                  and "OUTLAYER_NETWORK" in said["error"]["hint"], (status, said))
        equal("and what names no account", poll(contract_id="No%20Account")[0], 400)


def test_forged_creates():
    """One leaked token knows which numbers come next."""
    with kit.folder() as home:
        w = Fleet(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker("honest", **w.at(**w.monitor())) as worker:
            tx = w.ask_chain(repo, "first")
            equal("a request", w.answer(tx)[1], "first")
            next_id = w.task_of(tx)["request_id"] + 1
            worker.stop()
        # One that waits, one that its forger has leased, one that has ended by its forger's word, one as if unreadable.
        for n in range(3):
            equal("forged", w.create(forged(next_id + n))[0], 201)
        w.create({"contract_id": CONTRACT, "request_id": next_id + 3, "refused": "no JSON"})
        leases = {}
        for _ in range(3):
            _, got = w.real.poll(worker="thief")
            leases[got["task"]["request_id"]] = got["lease"]["token"]
            w.real.beat(got["task"]["request_id"], got["lease"]["token"])
        w.real.complete(next_id + 1, leases[next_id + 1])
        equal("ended by a word that nobody can check", w.outcome(next_id + 1), "success")
        w.real.report("fail", next_id, leases[next_id], reason="back", retry=True)
        asked = asks(w, repo, [(f"true {n}", CONTRACT) for n in range(4)])
        tasks = [w.task_of(tx) for tx in asked]
        with w.worker("honest", **w.at(**w.monitor())) as worker:
            got = [w.answer(tx)[1] for tx in asked]
            equal("the true events are served", got, [f"true {n}" for n in range(4)])
            equal("and recorded as such", kit.until(lambda: [w.outcome(t["request_id"]) for t in tasks]
                                                    == ["success"] * 4 and True), True)
        true_tx = w.ask_chain(repo, "stays")
        true = w.task_of(true_tx)
        equal("a true one", w.create(true)[0], 201)
        equal("the same once more", w.create(true), (200, {"request_id": true["request_id"], "created": False}))
        status, said = w.create(true, input_data="other")
        check("what differs from the chain is refused", status == 400 and "input_data" in said["error"]["message"],
              (status, said))
        equal("a member that may be missing may be null", w.create(true, refused=None),
              (200, {"request_id": true["request_id"], "created": False}))
        status, said = w.create(true, refused=None, input_data="other")
        check("and excuses nothing", status == 400 and "input_data" in said["error"]["message"], (status, said))
        equal("and so is a made-up one", w.create(forged(true["request_id"]))[0], 400)
        with w.worker("honest", **w.at()):
            equal("the true one is served", w.answer(true_tx)[1], "stays")


def test_a_wrong_setting():
    """A worker whose RPC server is of another chain, and others that say what is not so."""
    with kit.folder() as home, kit.folder() as elsewhere:
        w, other = Fleet(home), World(elsewhere)
        repo = c_repo(w, "echo", ECHO)
        for tx in asks(other, "https://example.com/a/b", [("", CONTRACT)] * 3):  # the other chain has these numbers, too
            other.task_of(tx)
        with other.worker("lost", **w.at()) as lost:
            tx = w.ask_chain(repo, "x")
            task = w.task_of(tx)
            kit.until(lambda: kit.rpc(other.net.url, "block", {"finality": "final"})["result"]["header"]["height"]
                      > task["context"]["block_height"])
            w.create(task)
            check("it refuses what it leases", kit.until(lambda: "given back for good" in lost.output()),
                  lost.output()[-800:])
            check("which kills nothing", kit.until(lambda: w.real.job(task["request_id"])["state"] == "queued"),
                  w.real.job(task["request_id"]))
            with w.worker("right", **w.at()):
                equal("others serve it", w.answer(tx)[1], "x")
        tx = w.ask_chain(repo, "y")
        task = w.task_of(tx)
        w.create(task)
        id, token = w.real.lease()
        equal("a worker that says that it has ended is not believed",
              w.real.complete(id, token, outcome="expired", error="not there"), (200, {"retried": True, "benched": True}))
        equal("and does not get it again", w.real.poll()[0], 204)
        token = w.real.poll(worker="w3")[1]["lease"]["token"]
        w.real.beat(id, token)
        equal("nor is one whose answering transaction is null", w.real.complete(
            id, token, outcome="expired", error="not there", resolve_transaction=None), (200, {"retried": True, "benched": True}))
        status, got = w.real.poll(worker="w2")
        equal("another one does", (status, got["task"]["request_id"]), (200, id))
        w.real.beat(id, got["lease"]["token"])
        equal("nor is one believed that it differs", w.fail(task, got["lease"]["token"]),
              (200, {"retried": True, "benched": True}))
        with w.worker("right", **w.at()):
            equal("it is served by the third", w.answer(tx)[1], "y")
        w.create(forged(5000))
        id, token = w.real.lease()
        equal("what the chain does not have is refused", w.fail(forged(5000), token), (200, {"changed": True}))
        equal("with that reason", (w.outcome(5000), "not open on chain" in w.real.job(5000)["error"]), ("refused", True))


def test_a_chain_that_cannot_be_asked():
    with kit.folder() as home:
        w = Fleet(home)
        repo = c_repo(w, "echo", ECHO)
        tx, tx2 = asks(w, repo, [("x", CONTRACT), ("y", CONTRACT)])
        task, task2 = w.task_of(tx), w.task_of(tx2)
        w.create(forged(task["request_id"]))
        w.create(task2)
        w.wire.fate = lambda method: "dropped"
        status, said = w.create(task)
        check("a create that differs waits for the chain", status == 503 and "chain" in said["error"]["message"],
              (status, said))
        taken = {}
        for _ in range(2):
            _, got = w.real.poll()
            taken[got["task"]["request_id"]] = got["lease"]["token"]
            w.real.beat(got["task"]["request_id"], got["lease"]["token"])
        status, said = w.fail(task2, taken[task2["request_id"]])
        check("so does a worker's doubt", status == 503 and "left to other workers" in said["error"]["message"],
              (status, said))
        equal("that worker does not get it again", w.real.poll()[0], 204)
        status, got = w.real.poll(worker="w2")
        equal("others do", (status, got["task"]["request_id"]), (200, task2["request_id"]))
        w.real.report("fail", task2["request_id"], got["lease"]["token"], reason="stopping", retry=True)
        w.wire.fate = lambda method: None
        equal("when the chain is back the true one takes its place", w.create(task)[1].get("replaced"), True)
        equal("whoever held the false one has lost it",
              w.real.complete(task["request_id"], taken[task["request_id"]])[0], 409)
        with w.worker("right", **w.at()):
            equal("both are served", [w.answer(t)[1] for t in (tx, tx2)], ["x", "y"])


if __name__ == "__main__":
    kit.main(globals())
