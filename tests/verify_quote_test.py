#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`outlayer verify-quote` over quotes and collateral that Intel signed: each must give what the manifest says at its date, and
nothing that was changed, is missing or is out of date may ever look good."""
import base64, contextlib, json, os, random, subprocess

import kit
from fakes.pcs import Pcs
from kit import check, equal

VECTORS = os.path.join(kit.ROOT, "tests", "vectors", "dcap")
GOOD, COLLATERAL = "qvl_tdx_v4_b0c06f", "qvl_tdx_v4_b0c06f.collateral.json"
FIRST_MEMBERS = ["verdict", "status"]


def path(name):
    return os.path.join(VECTORS, name)


def read(name, mode="rb"):
    with open(path(name), mode) as f:
        return f.read()


def manifest():
    return json.loads(read("manifest.json", "r"))


def vector(name):
    return next(v for v in manifest()["vectors"] if v["name"] == name)


class Answer:
    def __init__(self, done, as_json):
        self.code, self.text, self.said = done.returncode, done.stdout, done.stderr
        self.json = json.loads(done.stdout) if as_json and done.stdout.strip() else None

    def __getattr__(self, name):
        return (self.json or {}).get(name)

    @property
    def error_code(self):
        return (self.error or {}).get("code")


def run(*args, as_json=True, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("OUTLAYER_") and k != "PCCS_URL"}
    done = subprocess.run([kit.program("outlayer"), "verify-quote", *map(str, args), *(["--json"] if as_json else [])],
                          capture_output=True, text=True, timeout=120, env=clean | env)
    return Answer(done, as_json)


def verify(quote, collateral, at, *more, **how):
    return run(quote, "--collateral", collateral, "--at", at, *more, **how)


@contextlib.contextmanager
def written(content, name="file"):
    with kit.folder() as home:
        file = os.path.join(home, name)
        with open(file, "wb") as f:
            f.write(content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode())
        yield file


def never_both(a):
    """An error never stands beside a status, and the exit status goes with them."""
    if a.code in (1, 3) and a.error:
        return a.status is None and a.verdict in ("false", "not_checkable") and a.advisory_ids is None
    return a.error is None and a.status and (a.code == 0) == (a.verdict == "accepted") and (a.code == 0) == (not a.refused)


def expected(a, v, at):
    """What the manifest says of this vector at its date, or else nothing at all."""
    if v["expect"] == "TCB_NOT_SUPPORTED":
        return a.code == 1 and a.error_code == "TCB_NOT_SUPPORTED" and a.verdict == "false"
    if a.status != v["expect"] or a.advisory_ids != v["advisory_ids"] or a.error:
        return False
    return a.code == (0 if a.verdict == "accepted" else 1)


def test_each_vector_at_its_dates():
    wrong, seen = [], 0
    both = manifest()
    rows = [(v["quote"], v) for v in both["vectors"] if v.get("check_at")] + [(v["quote"], v) for v in both["cross"]]
    for quote, v in rows:
        for at in ("check_at", "not_before", "not_after"):
            a = verify(path(quote), path(v["collateral"]), v[at])
            seen += 1
            if not expected(a, v, at) or not never_both(a):
                wrong.append((quote, v["collateral"], at, a.code, a.text[:300], a.said[:200]))
        for at, codes in ((v["not_before"] - 1, ("NOT_YET_VALID", "CRL_NOT_YET_VALID", "CERT_NOT_YET_VALID")),
                          (v["not_after"] + 1, ("EXPIRED", "CRL_EXPIRED", "CERT_EXPIRED"))):
            a = verify(path(quote), path(v["collateral"]), at)
            seen += 1
            if a.code != 3 or a.error_code not in codes or a.verdict != "not_checkable" or not never_both(a):
                wrong.append((quote, v["collateral"], at, a.code, a.text[:300], a.said[:200]))
    check(f"{seen} verifications of real quotes give what they must, and nothing a second outside of their windows", seen > 80 and not wrong,
          f"{len(wrong)}: {wrong[:3]}")


def test_what_a_good_one_shows():
    v = vector(GOOD)
    a = verify(path(v["quote"]), path(v["collateral"]), v["check_at"])
    equal("verdict and status come first", list(a.json)[:2], FIRST_MEMBERS)
    equal("the quote is accepted", (a.code, a.verdict, a.status, a.tee), (0, "accepted", "UpToDate", "TDX"))
    equal("platform, module and quoting enclave are told apart", (a.platform_status, a.module_status, a.qe_status),
          (v["platform_status"], v["module_status"], v["qe_status"]))
    equal("measurements have their names", [a.mrtd, a.mr_config_id, a.mrseam, a.td_attributes, a.xfam, a.tee_tcb_svn, *(a.json[f"rtmr{i}"] for i in range(4))],
          [v["mrtd"], v["mr_config_id"], v["mrseam"], v["td_attributes"], v["xfam"], v["tee_tcb_svn"], *v["rtmr"]])
    equal("those that the register contract approves stand together", a.measurements,
          {"mrtd": v["mrtd"], **{f"rtmr{i}": v["rtmr"][i] for i in range(4)}})
    equal("so do the rest", (a.report_data, a.fmspc, a.pceid, a.pce_svn, a.tcb_eval, a.qe_eval),
          (v["report_data"], v["fmspc"], v["pceid"], v["pcesvn"], v["tcb_eval"], v["qe_eval"]))
    equal("the dates are those of its parts", a.collateral["expires"], v["not_after_iso"])
    people = verify(path(v["quote"]), path(v["collateral"]), v["check_at"], as_json=False)
    lines = people.text.splitlines()
    check("people read the verdict first", lines and lines[0].startswith("accepted"), lines[:2])
    check("and then why", all(x in people.text for x in ("UpToDate", v["mrtd"], v["fmspc"], v["report_data"][:32], "2025-07-19")), people.text)


def test_who_is_behind_reads_by_how_much():
    v = vector("aut_tdx_v4_00806f_jun25")
    a = verify(path(v["quote"]), path(v["collateral"]), v["check_at"])
    equal("an old platform is refused by the policy, not called false", (a.code, a.verdict, a.status, a.error), (1, "refused", "OutOfDate", None))
    equal("for its status and its advisories", sorted({r["code"] for r in a.refused}), ["TCB_ADVISORY", "TCB_STATUS"])
    check("what is short says what it has, what it needs, and what raises it",
          a.short and all(s["has"] < s["needs"] and s["component"] for s in a.short) and any(s.get("raised_by") for s in a.short), a.short)
    people = verify(path(v["quote"]), path(v["collateral"]), v["check_at"], as_json=False).text
    check("people read it, too", people.startswith("refused") and "needs" in people and "INTEL-SA-00960" in people, people)
    policy = {"accept": ["UpToDate", "OutOfDate"], "advisories": v["advisory_ids"]}
    with written(policy) as file:
        a = verify(path(v["quote"]), path(v["collateral"]), v["check_at"], "--policy", file)
    equal("a policy that takes both accepts it", (a.code, a.verdict, a.status, a.refused), (0, "accepted", "OutOfDate", []))


def test_forged_bytes():
    v = vector(GOOD)
    quote = read(v["quote"])
    length = 636 + int.from_bytes(quote[632:636], "little")
    rng = random.Random(11)
    at = [0, 2, 4, 12, 28, 48, 64, 112, 160, 168, 176, 184, 232, 280, 328, 376, 520, 568, 631, 632, 636, 668, 700, 732, 764, 766, 770, 1090, 1122,
          1154, 1218, 1220, 1252, 1254, 1258, 1300, length - 3] + [rng.randrange(length - 2) for _ in range(60)]
    wrong = []
    for i in at:
        changed = quote[:i] + bytes([quote[i] ^ (1 << rng.randrange(8))]) + quote[i + 1:]
        with written(changed) as file:
            a = verify(file, path(v["collateral"]), v["check_at"])
        if a.code not in (1, 3) or not never_both(a) or not a.error_code:
            wrong.append((i, a.code, a.text[:200], a.said[:100]))
    check(f"one bit of {len(at)} places is seen each time", not wrong, wrong[:3])
    for n in (0, 1, 47, 48, 632, 1000, length - 1):
        with written(quote[:n]) as file:
            a = verify(file, path(v["collateral"]), v["check_at"])
        check(f"a quote cut after {n} bytes is not checkable", a.code == 3 and (n < 4 or a.error_code), (a.code, a.text, a.said))
    signed = path("intel_test_root_tdx.quote.bin")
    a = verify(signed, path("intel_test_root_tdx.collateral.json"), 1700000000)
    equal("another root than Intel's is named", (a.code, a.error_code), (1, "UNTRUSTED_ROOT"))


def test_other_platforms_collateral():
    for n in manifest()["negative"]:
        at = vector(n["quote"].split(".quote")[0]).get("check_at", 1700000000)
        a = verify(path(n["quote"]), path(n["collateral"]), at)
        check(f"{n['quote']} with {n['collateral']}: {n['expect_error']}", a.code in (1, 3) and a.error_code and never_both(a), (a.code, a.text))


def test_missing_and_unreadable_parts():
    v = vector(GOOD)
    whole = json.loads(read(v["collateral"], "r"))
    wrong = []
    for member in whole:
        for content, name in ((None, "missing"), ("", "empty"), ("zz", "unreadable")):
            changed = {k: x for k, x in whole.items() if k != member} | ({} if content is None else {member: content})
            with written(changed) as file:
                a = verify(path(v["quote"]), file, v["check_at"])
            signed = name == "unreadable" and member in ("tcb_info", "qe_identity")  # then it is not what was signed, and that is false
            if a.code != (1 if signed else 3) or not a.error_code or not never_both(a):
                wrong.append((member, name, a.code, a.text[:200], a.said[:200]))
    check("without each of the nine members nothing is said to be good", not wrong, wrong[:4])
    for member in ("tcb_info", "qe_identity"):
        spaced = dict(whole, **{member: whole[member].replace(",", ", ", 1)})
        with written(spaced) as file:
            a = verify(path(v["quote"]), file, v["check_at"])
        check(f"{member} that was printed anew is not what was signed", a.code == 1 and a.error_code == "SIGNATURE", (a.code, a.text))


def test_policies():
    v = vector(GOOD)
    for policy, code in (({"min_tcb_eval": v["tcb_eval"] + 1}, "TCB_EVAL"), ({"min_qe_eval": v["qe_eval"] + 1}, "QE_EVAL"),
                         ({"accept": ["OutOfDate"]}, "TCB_STATUS")):
        with written(policy) as file:
            a = verify(path(v["quote"]), path(v["collateral"]), v["check_at"], "--policy", file)
        check(f"{policy} refuses with {code}", (a.code, a.verdict, a.status) == (1, "refused", "UpToDate") and code in [r["code"] for r in a.refused], a.text)
    for policy in ("[]", "{", '{"min_tcb_evil":1}', '{"accept":7}', '{"accept":["Fine"]}', '{"min_tcb_eval":-1}', '{"accept":["UpToDate"],"accept":[]}'):
        with written(policy) as file:
            a = verify(path(v["quote"]), path(v["collateral"]), v["check_at"], "--policy", file)
        check(f"policy {policy} is no policy: usage", a.code == 2 and not a.text and "policy" in a.said, (a.code, a.text, a.said))


def test_forms_of_a_quote():
    v = vector(GOOD)
    raw = read(v["quote"])
    forms = {"hexadecimal": raw.hex(), "hexadecimal in lines": "\n".join(raw.hex()[i:i + 60] for i in range(0, 2 * len(raw), 60)),
             "base64": base64.b64encode(raw).decode(), "dstack's JSON": json.dumps({"quote": raw.hex(), "event_log": "[]"})}
    for name, form in forms.items():
        with written(form) as file:
            a = verify(file, path(v["collateral"]), v["check_at"])
        equal(f"a quote in {name} is the same quote", (a.code, a.mrtd), (0, v["mrtd"]))
    a = verify(path("dstack_quote_report.json"), path("qvl_tdx_v5_90c06f_nolevel.collateral.json"), 1772707803)
    equal("so is what dstack answered", (a.code, a.status), (0, "UpToDate"))


def test_usage():
    v = vector(GOOD)
    quote, collateral = path(v["quote"]), path(v["collateral"])
    for args in ((), (quote, "--at", "tomorrow"), (quote, "--collateral"), (quote, "--nothing"), ("/nowhere/quote", "--collateral", collateral),
                 (quote, "--collateral", "/nowhere/collateral"), (quote, "--collateral", collateral, "--policy", "/nowhere/policy")):
        a = run(*args)
        check(f"{' '.join(args) or 'no argument'} is wrong usage", a.code == 2 and not a.text, (a.code, a.text, a.said))
    with written("hello, world") as file:
        a = verify(file, collateral, v["check_at"])
    check("a file without a quote is not checkable", a.code == 3 and a.error_code == "QUOTE_FORMAT" and "no quote" in a.said, (a.code, a.text, a.said))


def test_collateral_that_is_fetched():
    v = vector(GOOD)
    at = v["check_at"]
    whole = json.loads(read(v["collateral"], "r"))
    with Pcs(whole) as good, Pcs(whole) as liar, Pcs(whole, form="hex") as hexed:
        liar.meet("tcb", "lie")
        a = run(path(v["quote"]), "--at", at, PCCS_URL=good.url)
        equal("what is not given is fetched", (a.code, a.status), (0, "UpToDate"))
        check("and said to be", f"fetched from {good.url}" in a.said, a.said)
        asked = {(tee, rest): options for tee, rest, options in good.asked}
        equal("for this platform", (asked[("tdx", "tcb")]["fmspc"], asked[("sgx", "pckcrl")]["ca"]), (v["fmspc"], "platform"))
        a = run(path(v["quote"]), "--at", at, PCCS_URL=f"{liar.url},{hexed.url}")
        equal("one address that lies beside a good one does no harm", (a.code, a.status), (0, "UpToDate"))
        a = run(path(v["quote"]), "--at", at, PCCS_URL=liar.url)
        check("alone it is not believed", a.code == 3 and a.error_code == "PART_MISSING" and "no TCB info could be had" in a.said, (a.code, a.text, a.said))
        a = run(path(v["quote"]), "--at", at, PCCS_URL="http://127.0.0.1:1")
        check("nobody there: not checkable", a.code == 3 and a.status is None, (a.code, a.text))
        a = run(path(v["quote"]), PCCS_URL=good.url)
        check("a clock years away from the collateral's dates is named", a.code == 3 and "clock right?" in a.said, (a.code, a.text, a.said))


def as_the_table_says(a, c):
    want = c["expect"]
    if not never_both(a):
        return False
    if "error" in want:
        return a.code in (1, 3) and a.error_code and want["error"] in ("*", a.error_code)
    refused = sorted(r["code"] for r in a.refused or [])
    return a.status == want["status"] and sorted(a.advisory_ids) == sorted(want["advisories"]) and \
        ("refused" not in want or refused == sorted(want["refused"]))


def test_table_of_the_test_pki():
    with open(kit.built("dcap_cases.json")) as f:
        cases = json.load(f)
    wrong = []
    with kit.folder() as home:
        def put(name, content):
            with open(os.path.join(home, name), "w") as f:
                f.write(content)
            return os.path.join(home, name)
        for c in cases:
            more = ["--policy", put("policy", json.dumps(c["policy"]))] if c.get("policy") else []
            a = verify(put("quote", c["quote"]), put("collateral", json.dumps(c["collateral"])), c["at"], "--root", c["root_key"], *more)
            if not as_the_table_says(a, c) or a.simulated is not True:
                wrong.append((c["name"], c["expect"], a.code, a.text[:220], a.said[:100]))
    check(f"{len(cases)} quotes and collateral of the test PKI, each with one thing changed", len(cases) > 700 and not wrong, f"{len(wrong)}: {[w[0] for w in wrong]} {wrong[:2]}")
    good = next(c for c in cases if "error" not in c["expect"])
    with written(good["quote"]) as quote, written(good["collateral"], "c") as collateral:
        a = verify(quote, collateral, good["at"])
    equal("under Intel's root none of it counts", (a.code, a.error_code, a.simulated), (1, "UNTRUSTED_ROOT", False))


if __name__ == "__main__":
    kit.main(globals())
