#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`outlayer collateral`: several servers, on their good and bad days; the files that are kept; how long they last."""
import fcntl, json, os, subprocess, time

import kit
from fakes.pcs import Pcs
from kit import check, equal
from simulator_test import Simulator

VECTORS = os.path.join(kit.ROOT, "tests", "vectors", "dcap")
DAY = 86400
PARTS = ["root_crl", "pck_crl", "tcb_info", "qe_identity"]


def real(name):
    with open(os.path.join(VECTORS, name)) as f:
        return json.load(f)


def made(age, left, number=17, *more, now=None):
    """What a server of the test PKI has: issued `age` days ago, good for `left` more."""
    out = subprocess.run([os.path.join(kit.BUILD, "help", "dcap-collateral"), str(int(now or time.time())), str(age), str(left), str(number), *more],
                         capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def serve(m, early=None, **more):
    sets = {"standard": m["collateral"], "17": m["collateral"]} | ({"early": early["collateral"]} if early else {})
    return Pcs(sets, numbers=m["numbers"].encode(), **more)


class Tool:
    """`outlayer collateral` with a home and a root of its own."""

    def __init__(self, home, root=None):
        self.home, self.root = home, root
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("OUTLAYER_") and k != "PCCS_URL"} | {"OUTLAYER_HOME": home}

    def args(self, action, *args):
        return [kit.program("outlayer"), "collateral", action, *map(str, args), *(["--root", self.root] if self.root else [])]

    def run(self, action, *args, **env):
        """(exit status, JSON, all that was printed)"""
        done = subprocess.run([*self.args(action, *args), "--json"], capture_output=True, text=True, timeout=120, env=self.env | env)
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stdout + done.stderr

    def text(self, action, *args, **env):
        return subprocess.run(self.args(action, *args), capture_output=True, text=True, timeout=120, env=self.env | env).stdout


def file_of(path):
    with open(path) as f:
        return json.load(f)


def test_fetch_by_a_quote_of_intels():
    whole = real("qvl_tdx_v4_b0c06f.collateral.json")
    quote, at = os.path.join(VECTORS, "qvl_tdx_v4_b0c06f.quote.bin"), 1751624191
    with kit.folder() as home, Pcs(whole, form="hex") as pcs:
        tool = Tool(home)
        code, out, said = tool.run("fetch", quote, "--at", at, PCCS_URL=pcs.url)
        equal("fetched by what the quote says of its platform", (code, out and os.path.basename(out["file"])), (0, "b0c06f000000.json"))
        equal("the file is the nine members as they were served", file_of(out["file"]), whole)
        check("each part is new and says where it is from", all(out["parts"][p]["changed"] and out["parts"][p]["from"] == pcs.url for p in PARTS), out)
        equal("its set and end are named", (out["parts"]["tcb_info"]["set"], out["parts"]["pck_crl"]["expires"]), (17, "2025-07-19T10:00:35Z"))
        before = os.stat(out["file"]).st_ino
        code, out, _ = tool.run("fetch", quote, "--at", at, PCCS_URL=pcs.url)
        check("again changes nothing", code == 0 and not any(out["parts"][p]["changed"] for p in PARTS) and os.stat(out["file"]).st_ino == before, out)
        people = tool.text("status", "--at", at)
        check("status says how long each part lasts", "14 days left" in people and "set 17" in people and "b0c06f000000" in people, people)
        code, out, said = tool.run("fetch", "--fmspc", "b0c06f000000", "--at", at, "--out", os.path.join(home, "other"), PCCS_URL=pcs.url)
        equal("or by its FMSPC", (code, file_of(os.path.join(home, "other"))), (0, whole))
        code, out, said = tool.run("fetch", "--fmspc", "00806f050000", "--at", at, PCCS_URL=pcs.url)
        check("another platform's TCB info is not taken for it", code != 0 and "another platform" in said, said)
        named = pcs.url.replace("http://", "http://me:hidden@")
        code, out, said = tool.run("fetch", quote, "--at", at, "--out", os.path.join(home, "named"), PCCS_URL=named)
        check("a server's password is shown to nobody", code == 0 and out["parts"]["tcb_info"]["from"] == pcs.url and "hidden" not in said, said)
        pcs.meet(None, 404)
        code, out, said = tool.run("fetch", quote, "--at", at, PCCS_URL=named)
        check("nor where it fails", code != 0 and pcs.url in said and "hidden" not in said, said)
        pcs.meet(None, None, 0)


def test_the_freshest_that_is_right_wins():
    fresh, older, late = made(1, 29), made(5, 25), made(40, 29)
    late_parts = dict(late["collateral"], tcb_info=made(60, 0)["collateral"]["tcb_info"])
    with kit.folder() as home, serve(older) as one, serve(fresh) as two, serve({"collateral": late_parts, "numbers": late["numbers"]}) as stale:
        tool = Tool(home, fresh["root_key"])
        urls = f"{one.url},{two.url},{stale.url}"
        code, out, said = tool.run("fetch", "--fmspc", fresh["fmspc"], PCCS_URL=urls)
        equal("of three servers the freshest", (code, {out["parts"][p]["from"] for p in PARTS} if out else said), (0, {two.url}))
        equal("sets by Intel's list", out["sets"], {"standard": 17, "early": 18})
        code, out, said = tool.run("fetch", "--fmspc", fresh["fmspc"], PCCS_URL=one.url)
        check("what is older never replaces it", code == 0 and not any(out["parts"][p]["changed"] for p in PARTS) and
              file_of(out["file"])["tcb_info"] == fresh["collateral"]["tcb_info"], (code, out, said))
        two.meet("tcb", "lie")
        two.meet("qe", 500)
        code, out, said = tool.run("fetch", "--fmspc", fresh["fmspc"], "--out", os.path.join(home, "mixed"), PCCS_URL=urls)
        equal("part by part", (code, [out["parts"][p]["from"] for p in PARTS]), (0, [two.url, two.url, one.url, one.url]))
        check("with a note about who was not believed", f"note        {two.url}: TCB info: the TCB info is not signed" in said, said)


def test_bad_days():
    good = made(1, 29)
    for fault, piece, says in (("lie", "tcb", "not signed by the key"), ("html", "tcb", "not valid JSON"), (410, "tcb", "is gone (status 410)"), ("huge", "qe", "larger than"),
                               ("lie", "crl", "not signed by the key"), ("lie", "root", "not signed by the key"), (404, "tcb", "no TCB info of this platform")):
        with kit.folder() as home, serve(good) as pcs:
            pcs.meet(piece, fault)
            tool = Tool(home, good["root_key"])
            code, out, said = tool.run("fetch", "--fmspc", good["fmspc"], PCCS_URL=pcs.url)
            check(f"{piece}: {fault} is named, and nothing of it is kept", code == 3 and says in said and not (out and out["parts"][
                {"tcb": "tcb_info", "qe": "qe_identity", "crl": "pck_crl", "root": "root_crl"}[piece]]["good"]), (code, said))
    with kit.folder() as home, serve(good) as pcs, serve(good) as silent:
        silent.meet(None, "silent")
        pcs.meet("tcb", 429, times=1, after="1")
        started = time.monotonic()
        code, out, said = Tool(home, good["root_key"]).run("fetch", "--fmspc", good["fmspc"], "--timeout", "10", PCCS_URL=f"{pcs.url},{silent.url}")
        check("429 is waited for as long as it asks, and a silent server no longer than is allowed", code == 0 and 1 <= time.monotonic() - started < 38, (code, said))
    with kit.folder() as home, serve(good) as pcs:
        tool = Tool(home, good["root_key"])
        code, out, said = tool.run("fetch", "--fmspc", good["fmspc"], "--at", int(time.time()) - 400 * DAY + 2 * DAY, PCCS_URL=pcs.url)
        check("a clock that is a year behind is named", code != 0 and "clock right?" in said, said)
        code, out, said = tool.run("fetch", "--fmspc", good["fmspc"], "--at", int(time.time()) + 400 * DAY, PCCS_URL=pcs.url)
        check("so is one that is a year ahead", code != 0 and "clock right?" in said, said)


def test_two_at_once():
    """Two processes that merge into one file take turns. If it fails, what one of them wrote is lost."""
    good = made(1, 29)
    with kit.folder() as home, serve(good) as one, serve(good) as two:
        for pcs, pieces in ((one, ["qe"]), (two, ["tcb"])):
            for piece in pieces:
                pcs.meet(piece, 404)
        tool, out = Tool(home, good["root_key"]), os.path.join(home, "c.json")
        folder = os.open(home, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        both = [subprocess.Popen(tool.args("fetch", "--fmspc", good["fmspc"], "--out", out), env=tool.env | {"PCCS_URL": pcs.url}, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL) for pcs in (one, two)]
        check("while somebody holds the folder nothing is written", not kit.until(lambda: os.path.exists(out), 1.5) and all(p.poll() is None for p in both))
        os.close(folder)
        for p in both:
            p.wait(60)
        equal("then each has written what it had", sorted(k for k in file_of(out) if k in ("root_ca_crl", "pck_crl", "tcb_info", "qe_identity")),
              ["pck_crl", "qe_identity", "root_ca_crl", "tcb_info"])
        equal("and nothing else stays behind", sorted(os.listdir(home)), ["c.json"])


def test_the_simulators_server():
    with kit.folder() as home, kit.folder() as ours, Simulator(home) as s:
        with open(os.path.join(home, "root_key.hex")) as f:
            tool = Tool(ours, f.read().strip())
        quote = os.path.join(ours, "quote")
        with open(quote, "wb") as f:
            f.write(s.ask("/GetQuote?report_data=00")[2])
        code, out, said = tool.run("fetch", quote, PCCS_URL=s.ready["pcs"])
        check("by what its guest agent answers, the platform's collateral comes", code == 0 and all(out["parts"][p]["good"] for p in PARTS), (code, said))
        for fault, says in (("stale", "the server is stale"), ("lying", "not signed by the key of its issuer"), ("half", "cannot reach"), ("garbage", "sent a bad root CRL"),
                            ("oversize", "larger than 1048576 bytes"), ("404", "has no root CRL"), ("410", "root CRL is gone")):
            s.tell(pcs=fault)
            code, out, said = tool.run("fetch", quote, "--timeout", "3", "--out", os.path.join(ours, fault), PCCS_URL=s.ready["pcs"])
            kept = [p for p in PARTS if out["parts"][p]["good"]]  # the root's list of a stale server is good for a year
            check(f"{fault}: nothing of it is kept", code == 3 and says in said and kept == (["root_crl"] if fault == "stale" else []), (code, said))


def test_sets():
    now, next_set = made(1, 29), made(1, 29, 18, "behind")
    with kit.folder() as home, serve(now, early=next_set) as pcs:
        tool = Tool(home, now["root_key"])
        code, out, said = tool.run("fetch", "--fmspc", now["fmspc"], "--set", "early", PCCS_URL=pcs.url)
        equal("Intel's next set has a file of its own", (code, os.path.basename(out["file"]), out["parts"]["tcb_info"]["set"]), (0, f"{now['fmspc']}.early.json", 18))
        code, out, said = tool.run("fetch", "--fmspc", now["fmspc"], "--set", "16", PCCS_URL=pcs.url)
        check("a set that is retired is said to be", code != 0 and "retired" in said, said)
        code, out, said = tool.run("fetch", "--fmspc", now["fmspc"], "--set", "newest", PCCS_URL=pcs.url)
        check("a set that is none is wrong usage", code == 2 and "is no TCB set" in said, said)


def test_usage():
    with kit.folder() as home:
        tool = Tool(home)
        for args in (("fetch",), ("fetch", "--fmspc", "xyz"), ("fetch", "--fmspc", "b0c06f000000", "--ca", "both"), ("status",), ("status", "--set", "early"), ("dance",),
                     ("fetch", "--fmspc", "b0c06f000000", "--pccs-url", "ftp://x")):
            code, out, said = tool.run(*args)
            check(f"{' '.join(args)} is wrong usage", code == 2 and not out, (code, said))
        broken = os.path.join(home, "broken.json")
        with open(broken, "w") as f:
            f.write("{\"tcb_info\":")
        good = made(1, 29)
        with serve(good) as pcs:
            code, out, said = Tool(home, good["root_key"]).run("fetch", "--fmspc", good["fmspc"], "--out", broken, PCCS_URL=pcs.url)
        check("a file that is no collateral is not overwritten", code == 2 and "remove the file" in said and open(broken).read() == "{\"tcb_info\":", (code, said))


if __name__ == "__main__":
    kit.main(globals())
