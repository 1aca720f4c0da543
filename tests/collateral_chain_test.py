#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`outlayer collateral push`, `status` and `watch` with a register contract: only what is newer is pushed, what ends soon is said, and a
platform that Intel's next set leaves behind is named before it is too late."""
import contextlib, json, os, re, signal, subprocess, time

import kit, near, tee_test
from collateral_test import PARTS, Tool, made, serve
from fakes import line
from kit import check, equal
from register_test import REGISTER, World, key_of


@contextlib.contextmanager
def world(root_key):
    """A devnet with the register contract, and a tool that knows it."""
    with contextlib.ExitStack() as stack, kit.folder() as home:
        w = World(stack, home, int(time.time()) - 60, root_public_key=root_key)
        tool = Tool(os.path.join(home, "tool"))
        tool.env |= {"NEAR_RPC_URL": w.url, "REGISTER_CONTRACT_ID": REGISTER, "OFFCHAINVM_CONTRACT_ID": REGISTER}
        for name, account in (("owner", w.owner), ("payer", w.payer), ("stranger", w.root.create("stranger.test.near", 100 * near.NEAR))):
            path = os.path.join(home, name + ".json")
            with open(path, "w") as f:
                json.dump({"account_id": account.id, "public_key": account.key.public, "private_key": account.key.secret}, f)
            setattr(tool, name, ("--from", account.id, "--credentials", path))
        tool.quote = os.path.join(home, "quote")
        yield w, tool


def keep(tool, m, name="c.json"):
    path = os.path.join(tool.home, name)
    os.makedirs(tool.home, exist_ok=True)
    with open(path, "w") as f:
        json.dump(m["collateral"], f)
    return path


def put_quote(tool, m):
    with open(tool.quote, "w") as f:
        f.write(m["quote"])


def pushed(out):
    return sorted(p for one in out or [] for p in one["pushed"])


def issued(w):
    return {(x["part"], x["eval"] if x["part"] in ("tcb_info", "qe_identity") else 0): x["issued"] for x in w.view("get_collateral")}


def test_push():
    old, new, early = made(6, 24), made(1, 29), made(1, 29, 18)
    with world(old["root_key"]) as (w, tool):
        code, out, said = tool.run("push", keep(tool, old), *tool.owner)
        equal("an empty contract gets all parts, under the root that it trusts", (code, pushed(out)), (0, sorted(PARTS)))
        check("and that this root is not Intel's is said", "another root than Intel's" in said, said)
        code, out, said = tool.run("push", keep(tool, old), *tool.owner)
        equal("again nothing is sent", (code, pushed(out), out[0]["transaction_hash"]), (0, [], None))
        mixed = dict(old, collateral=dict(old["collateral"], **{k: v for k, v in new["collateral"].items() if k.startswith("tcb_info")}))
        tool.env |= {"INIT_ACCOUNT_ID": w.payer.id, "INIT_ACCOUNT_PRIVATE_KEY": w.payer.key.secret}
        code, out, said = tool.run("push", keep(tool, mixed))
        del tool.env["INIT_ACCOUNT_ID"]
        equal("only the part that is newer", (code, pushed(out)), (0, ["tcb_info"]))
        before = issued(w)
        code, out, said = tool.run("push", keep(tool, old), *tool.owner)
        check("what is older is left out, and said to be", code == 0 and pushed(out) == [] and "is older than the contract's" in said and issued(w) == before, said)
        code, out, said = tool.run("push", keep(tool, early), *tool.stranger)
        check("a stranger may, too, and pays for the storage", code == 0 and "tcb_info" in pushed(out) and ("tcb_info", 18) in issued(w), (code, said))
        code, out, said = tool.run("push", keep(tool, made(1, 29, 19)), *tool.owner)
        check("a set above the two that are kept is left to the owner", code == 0 and "the owner raises the minimum" in said and ("tcb_info", 19) not in issued(w), said)
        code, out, said = tool.run("status", keep(tool, new))
        rows = {(r["part"], r.get("set")): r for r in out["chain"]["parts"]}
        check("status shows the chain beside the files", code == 0 and rows[("tcb_info", 17)]["in_force"] and not rows[("tcb_info", 18)]["in_force"]
              and 28 < rows[("tcb_info", 17)]["days_left"] < 30 and out["files"][0]["parts"]["tcb_info"]["good"], out)
        check("people, too", f"register contract {REGISTER}" in tool.text("status", keep(tool, new)), tool.text("status", keep(tool, new)))
        lied = dict(new, collateral=dict(new["collateral"], tcb_info=old["collateral"]["tcb_info"]))
        code, out, said = tool.run("push", keep(tool, lied), *tool.owner)
        check("what is not right is not pushed", code == 0 and "tcb_info" not in pushed(out) and "not signed by the key" in said, said)
        code, out, said = tool.run("push", keep(tool, new), "--network", "testnet", *tool.owner)
        check("off a devnet another root than Intel's is not believed", code == 2 and "said to trust another root" in said, (code, said))
        code, out, said = tool.run("push", keep(tool, new), "--register", "nobody.test.near", *tool.owner)
        check("a contract that is not there is named", code in (2, 3) and "nobody.test.near" in said, (code, said))


def test_watch_pushes_what_is_due():
    old = made(6, 24)
    with world(old["root_key"]) as (w, tool):
        put_quote(tool, old)
        with serve(old) as pcs:
            done = tool.text("watch", tool.quote, "--once", *tool.owner, PCCS_URL=pcs.url)
            check("an empty contract gets all", "pushed" in done and "all is well" in done and len(issued(w)) == 4, done)
        before = issued(w)
        with serve(made(4, 26)) as pcs:
            done = tool.text("watch", tool.quote, "--once", *tool.owner, PCCS_URL=pcs.url)
            check("two days newer: no transaction yet", "all is well" in done and issued(w) == before, done)
        with serve(made(2, 28)) as pcs:
            done = tool.text("watch", tool.quote, "--once", PCCS_URL=pcs.url)
            check("four days newer, and nobody pays: nothing is pushed", "all is well" in done and issued(w) == before, done)
            done = tool.text("watch", tool.quote, "--once", *tool.owner, PCCS_URL=pcs.url)
            check("with somebody who pays all four are", all(issued(w)[k] > before[k] for k in before), (done, issued(w), before))


def test_watch_has_keys_judged():
    """Other collateral says nothing of registered keys until somebody has them judged by it, and a key whose time is
    over keeps its rights until somebody has it removed. If it fails, a platform that Intel revoked goes on answering."""
    with kit.folder() as home:
        m = tee_test.Machine(home, AT=str(int(time.time()) - 5 * 86400))
        m.approve()
        quote = os.path.join(home, "quote.json")
        with open(quote, "wb") as f:
            f.write(line.ask(m.agent, "POST", "/GetQuote", b'{"report_data":"00"}')[2])
        where = ["--network", "devnet", "--rpc-url", m.rpc, "--contract", tee_test.CONTRACT]

        def watch(pays=True):
            payer = ["--from", tee_test.PAYER, "--credentials", m.key_file(tee_test.PAYER)] if pays else []
            done = m.outlayer("collateral", "watch", quote, "--once", *where, *payer)
            return done.stdout + done.stderr
        said = watch()
        check("without keys nothing is judged", "pushed" in said and "judged" not in said and "all is well" in said, said)
        equal("a key is registered", tee_test.answer(m.tee("register", "--json")).get("result"), "registered")
        said = watch()
        check("a key that came since is judged once", "judged      1 keys by the collateral on chain, removed 0" in said, said)
        said = watch()
        check("again nothing is sent", "judged" not in said and "transaction" not in said and "all is well" in said, said)
        m.again()
        m.control(tcb={"status": "OutOfDate", "advisories": "INTEL-SA-00001"})
        with open(quote, "wb") as f:
            f.write(line.ask(m.agent, "POST", "/GetQuote", b'{"report_data":"00"}')[2])
        said = watch(pays=False)
        check("nothing is sent where nobody pays", "transaction" not in said and m.workers()[0]["state"] == "active", said)
        done = m.outlayer("collateral", "fetch", quote, *where)
        done = m.outlayer("collateral", "push", "--from", tee_test.PAYER, "--credentials", m.key_file(tee_test.PAYER), *where)
        check("a push says that keys are not judged by it yet", "outlayer tee recheck" in done.stderr, done.stderr)
        said = watch(pays=False)
        check("watch says so, too", "keys are to be judged again" in said, said)
        said = watch()
        check("whoever pushed it, keys are judged by it", "judged      1 keys" in said and m.workers()[0]["state"] == "failing", said)
        check("a platform in its grace is not judged again on the same day", "judged" not in watch())

        owner = near.Account(m.rpc, tee_test.CONTRACT, key_of(m.key_file(tee_test.CONTRACT)))
        owner.send(tee_test.REGISTER, near.call("set_policy", {"accept": ["UpToDate", "OutOfDate"], "advisories": ["INTEL-SA-00001"], "key_age_s": 60}), wait="FINAL")
        equal("a key is renewed for a minute", tee_test.answer(m.tee("register", "--renew", "--json")).get("result"), "renewed")
        kit.rpc(m.rpc, "sandbox_fast_forward", {"delta_height": 300})
        equal("whose time is over then", m.workers()[0]["state"], "expired")
        said = watch()
        check("it is removed", "expired     1 keys were removed" in said and m.workers() == [], said)


def metrics(url):
    _, _, body = kit.get(url)
    return dict(line.rsplit(" ", 1) for line in body.decode().splitlines() if line and not line.startswith("#"))


@contextlib.contextmanager
def watching(tool, *args, **env):
    process = subprocess.Popen(tool.args("watch", tool.quote, "--listen", "127.0.0.1:0", *args), env=tool.env | env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield process, process.stdout.readline().split()[1]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_what_is_over_stays_an_alarm():
    """If it fails, an alert about collateral that ends goes away at the moment when it has ended."""
    fresh, over = made(1, 29), made(1, 20, now=time.time() - 30 * 86400)
    mixed = dict(over["collateral"], root_ca_crl=fresh["collateral"]["root_ca_crl"])
    with kit.folder() as home:
        tool = Tool(home, fresh["root_key"])
        tool.quote = os.path.join(home, "quote")
        put_quote(tool, fresh)
        os.makedirs(os.path.join(home, "collateral"))
        with open(os.path.join(home, "collateral", fresh["fmspc"] + ".json"), "w") as f:
            json.dump(mixed, f)
        with open(os.path.join(home, "collateral", fresh["fmspc"] + ".early.json"), "w") as f:
            json.dump(fresh["collateral"], f)
        with serve(fresh) as pcs:
            pcs.meet(None, 404)
            with watching(tool, "--every", "60", PCCS_URL=pcs.url) as (process, url):
                said = looked(process, "could be had")
                m = metrics(url)
                equal("parts that are over have no days left", [m.get('collateral_days_left{part="%s",id="%s"}' % x) for x in
                      (("pck_crl", "platform"), ("tcb_info", fresh["fmspc"]), ("qe_identity", "TD_QE"))], ["0.000"] * 3)
                check("and the look says so", "alarm       tcb_info" in said, said)
                check("what is not known is not better than what is", "will be worse" not in said and
                      'tcb_status{set="standard"}' not in m and m.get('tcb_status{set="early"}') == "0", (said, m))


def looked(process, word):
    """All that is printed until a look has ended so."""
    text = ""
    for one in process.stdout:
        text += one
        if one.startswith("looked") and word in one:
            break
    return text


def test_watch_says_what_ends_and_who_falls_behind():
    now, ends, behind = made(1, 29), made(28, 2), made(1, 29, 18, "behind")
    with kit.folder() as home:
        tool = Tool(home, now["root_key"])
        tool.quote = os.path.join(home, "quote")
        put_quote(tool, now)
        with serve(now, early=behind) as pcs, watching(tool, "--every", "1", PCCS_URL=pcs.url) as (process, url):
            said = looked(process, "all is well")
            check("a platform that the next set leaves behind is named, with what it needs",
                  "warning     by Intel's next set (18) this platform will be worse" in said and re.search(r"SGX component 1 .* has \d+, needs \d+: an update of the BIOS", said) , said)
            m = metrics(url)
            equal("metrics tell both sets apart", (m.get('tcb_status{set="standard"}'), m.get('tcb_status{set="early"}')), ("0", "6"))
            check("days are counted", 28.5 < float(m['collateral_days_left{part="tcb_info",id="%s"}' % now["fmspc"]]) < 29.1 and
                  'collateral_days_left{part="pck_crl",id="platform"}' in m and 'collateral_days_left{part="qe_identity",id="TD_QE"}' in m, m)
            pcs.meet(None, 500)
            said = looked(process, "could be had")
            m = metrics(url)
            check("a look that fails is counted, and the figures stay", int(m["collateral_failed_looks_total"]) >= 1 and (m['tcb_status{set="standard"}'], m['tcb_status{set="early"}']) == ("0", "6"), (said, m))
            process.send_signal(signal.SIGTERM)
            equal("it ends when it is told to", process.wait(60), 0)
        with serve(ends) as pcs, kit.folder() as other:
            tool.env["OUTLAYER_HOME"] = other
            said = tool.text("watch", tool.quote, "--once", PCCS_URL=pcs.url)
            check("under three days is an alarm", "alarm       tcb_info" in said and "has 2.0 days left" in said, said)
        with serve(now) as pcs, kit.folder() as other:
            tool.env["OUTLAYER_HOME"] = other
            pcs.meet(None, "silent")
            with watching(tool, PCCS_URL=pcs.url) as (process, url):
                kit.until(lambda: pcs.asked)
                process.send_signal(signal.SIGINT)
                started = time.monotonic()
                code = process.wait(60)
                check("also while a server is silent", time.monotonic() - started < 9, (code, time.monotonic() - started))  # of 10 s


if __name__ == "__main__":
    kit.main(globals())
