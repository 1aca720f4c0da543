#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The verifier of quotes outside our programs: dcap.wasm as an ES module in Node.js and in Chromium, and the page made
of it. What it says must be what the native core says, to the byte: for every real quote at its date, for the table of
made ones, and for a seeded sample of changed and cut ones. And the page must be one that anybody can use, and that
sends nothing."""
import base64, json, os, random, re, shutil, struct, subprocess

import kit
from near_api_js_test import node as playwright_node

VECTORS = os.path.join(kit.ROOT, "tests", "vectors", "dcap")
WEB = os.path.join(kit.ROOT, "build", "web", "verify")
BROWSER = os.path.join(kit.ROOT, "tests", "browser")
SAMPLE, SEED = 500, 20260729
RAW = (b"\x03\0\x02\0", b"\x04\0\x02\0", b"\x05\0\x02\0")
STRICT = json.dumps({"measurements": {"rtmr3": ["11" * 48, "22" * 48]}})


def made():
    """The page, made where it is not yet."""
    if not shutil.which("npm"):
        raise kit.Skip("npm is not installed")
    done = subprocess.run(["make", "--no-print-directory", "web"], cwd=kit.ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"make web failed: {done.stderr[-800:]}")
    return WEB


def manifest():
    with open(os.path.join(VECTORS, "manifest.json"), encoding="utf-8") as f:
        return json.load(f)


def vector(name):
    with open(os.path.join(VECTORS, name), "rb") as f:
        return f.read()


def question(quote, collateral, at, policy=None, root=None):
    return {"quote": base64.b64encode(quote).decode(), "collateral": collateral.decode(), "at": at,
            **({"policy": policy} if policy else {}), **({"rootKey": root} if root else {})}


def real():
    """Every real quote at its date: (question, what must come out)."""
    m = manifest()
    for v in [v for v in m["vectors"] + m["cross"] if "check_at" in v]:
        yield question(vector(v["quote"]), vector(v["collateral"]), v["check_at"]), v
    for v in m["negative"]:
        yield question(vector(v["quote"]), vector(v["collateral"]), 1751624191), v


def damaged(rng):
    """A real quote or its collateral with one byte changed, or cut off."""
    v = rng.choice([v for v in manifest()["vectors"] if "check_at" in v and v["name"].startswith(("qvl_", "near_"))])
    quote, collateral = bytearray(vector(v["quote"])), bytearray(vector(v["collateral"]))
    victim = collateral if rng.random() < 0.3 else quote
    if rng.random() < 0.25:
        del victim[rng.randrange(len(victim)):]
    else:
        at = rng.randrange(len(victim))
        # Collateral is text to whoever hands it over: it stays ASCII.
        victim[at] ^= rng.choice([1, 2, 4, 8, 16]) if victim is collateral else rng.randrange(1, 256)
    return question(bytes(quote), bytes(collateral), v["check_at"]), v


def native(questions, *times):
    """What the core says natively, or how many milliseconds each took."""
    stream = b""
    for q in questions:
        quote, collateral = base64.b64decode(q["quote"]), q["collateral"].encode()
        policy, root = q.get("policy", "").encode(), bytes.fromhex(q.get("rootKey", ""))
        stream += struct.pack("<IIIIQ", len(quote), len(collateral), len(policy), len(root), q["at"])
        stream += quote + collateral + policy + root
    done = subprocess.run([kit.built("help/dcap-reports"), *times], input=stream, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().splitlines(keepends=True)


def in_node(home, questions):
    paths = [os.path.join(home, name) for name in ("questions.json", "node.json")]
    with open(paths[0], "w", encoding="utf-8") as f:
        json.dump(questions, f)
    subprocess.run(["node", os.path.join(BROWSER, "node.mjs"), os.path.join(made(), "verify.js"), *paths], check=True)
    with open(paths[1], encoding="utf-8") as f:
        return json.load(f)


def playwright(home, example, questions, *only):
    """Runs tests/browser/page.mjs: what it printed, and the answers of the module in the browser."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not chromium:
        raise kit.Skip("chromium-headless-shell is not installed")
    paths = {name: os.path.join(home, name) for name in ("questions.json", "answers.json", "example.json")}
    for name, what in (("questions.json", questions), ("example.json", example)):
        with open(paths[name], "w", encoding="utf-8") as f:
            json.dump(what, f)
    npm = [os.path.join(kit.ROOT, "scripts", "npm.sh"), "tests/browser"]
    packages = subprocess.run(npm, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    script = shutil.copy(os.path.join(BROWSER, "page.mjs"), packages)
    run = subprocess.run([playwright_node(), script, made(), *paths.values(), *only], capture_output=True, text=True,
                         timeout=300, env={**os.environ, "CHROMIUM": chromium})
    with open(paths["answers.json"], encoding="utf-8") as f:
        return run, json.load(f)


def in_chromium(home, questions):
    return playwright(home, {}, questions, "the module in a browser")[1]


def same(name, got, want):
    wrong = [i for i, (g, w) in enumerate(zip(got, want)) if g != w]
    kit.check(f"{name}: {len(want)} reports are the native ones", not wrong and len(got) == len(want),
              (len(got), wrong[:5], [(got[i], want[i]) for i in wrong[:1]]))


def parts():
    """The words for each part of dcap/code.h, by its name."""
    with open(os.path.join(kit.ROOT, "src", "dcap", "code.h"), encoding="utf-8") as f:
        return dict(re.findall(r'^ +X\((\w+), "([^"]+)"\)', f.read(), re.M))


def table():
    """The table of made cases: (question, the case)."""
    with open(kit.built("dcap_cases.json"), encoding="utf-8") as f:
        for c in json.load(f):
            policy = json.dumps(c["policy"]) if "policy" in c else None
            collateral = json.dumps(c["collateral"]).encode()
            yield question(bytes.fromhex(c["quote"]), collateral, c["at"], policy, c["root_key"]), c


def everything():
    """(question, None or what must come out) of all real quotes, of the table, and of the sample of damaged ones."""
    rng = random.Random(SEED)
    return [*real(), *table(), *(damaged(rng) for _ in range(SAMPLE))]


def check_real(v, report):
    name = f"{v['quote']} with {v['collateral']}"
    error = report.get("error", {}).get("code")
    if "expect_error" in v:
        kit.check(f"{name}: no status, one error",
                  report["status"] is None and error and report["verdict"] != "accepted", report)
    elif v["expect"] == "TCB_NOT_SUPPORTED":
        kit.equal(f"{name}: no level", (report["status"], error), (None, "TCB_NOT_SUPPORTED"))
    else:
        kit.equal(f"{name}: status and advisories", (report["status"], sorted(report["advisory_ids"]), error),
                  (v["expect"], sorted(v["advisory_ids"]), None))


def misses(case, report, words):
    """What of a case's expectation its report does not meet, or None."""
    e, error, codes = case["expect"], report.get("error", {}), [r["code"] for r in report.get("refused", [])]
    if "error" in e:
        wanted = e["error"] in ("*", error.get("code")) and words.get(e.get("part")) in (None, error.get("part"))
        meets = report["status"] is None and wanted
    else:
        meets = ((report["status"], error) == (e["status"], {}) and sorted(codes) == sorted(e.get("refused", []))
                 and sorted(report["advisory_ids"]) == sorted(e["advisories"]))
    return None if meets else (case["name"], e, report["verdict"], report["status"], error, codes)


def test_in_node():
    """Whoever checks a quote with the module must get what our programs say, and no changed one is good."""
    asked = everything()
    questions = [q for q, _ in asked]
    with kit.folder() as home:
        reports = in_node(home, questions)["reports"]
    same("Node.js", reports, native(questions))
    reports, words, missed = list(map(json.loads, reports)), parts(), []
    for (_, want), report in zip(asked[:-SAMPLE], reports):
        if "expect" in want and isinstance(want["expect"], dict):
            missed.append(misses(want, report, words))
        else:
            check_real(want, report)
    kit.check(f"all {len(missed)} made cases give what the table says", len(missed) > 500 and not any(missed),
              [m for m in missed if m][:3])
    good = [r for r in reports[-SAMPLE:] if r["status"] is not None]
    kit.check("a changed byte is found unless nobody signed it", len(good) < SAMPLE // 5, len(good))
    kit.check("an error never stands beside a status", all(("error" in r) == (r["status"] is None) for r in reports))
    with open(os.path.join(kit.ROOT, "web", "verify", "verify.d.ts"), encoding="utf-8") as f:
        typed = set(re.findall(r"^  (\w+)\??:", f.read(), re.M))
    objects = [o for r in reports for o in (r, r.get("claimed", {}), *r["steps"], *r.get("short", []))]
    seen = {name for o in objects for name in o}
    kit.equal("verify.d.ts has each member that a report has", seen - typed, set())


def test_command():
    """The command prints what the module answers, so that either can be checked by the other."""
    rng = random.Random(SEED + 1)
    questions = [q for q, _ in [*real(), *(damaged(rng) for _ in range(20))]]
    questions.append({**questions[1], "policy": STRICT})
    questions = [q for q in questions if base64.b64decode(q["quote"])[:4] in RAW]  # others are no bytes to the command
    printed = []
    with kit.folder() as home:
        paths = [os.path.join(home, name) for name in ("quote", "collateral", "policy")]
        for q in questions:
            quote, collateral, policy = base64.b64decode(q["quote"]), q["collateral"], q.get("policy", "{}")
            for path, what in zip(paths, (quote, collateral.encode(), policy.encode())):
                with open(path, "wb") as f:
                    f.write(what)
            options = ["--collateral", paths[1], "--policy", paths[2], "--at", str(q["at"]), "--json"]
            done = subprocess.run([kit.program("outlayer"), "verify-quote", paths[0], *options], check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            printed.append(done.stdout.decode())
        same("outlayer verify-quote --json", printed, in_node(home, questions)["reports"])


def test_in_chromium():
    """The page in a browser: what it shows, what it takes, what it sends (nothing), and for whom it can be used."""
    questions = [q for q, _ in everything()]
    m = next(v for v in manifest()["vectors"] if v["name"] == "qvl_tdx_v4_b0c06f")
    quote, collateral = vector(m["quote"]), vector(m["collateral"])
    forged = bytearray(quote)
    forged[200] ^= 1
    example = {"hex": quote.hex(), "collateral": collateral.decode(), "at": m["check_at_iso"],
               "later": "2026-07-04T10:28:44Z", "forged": bytes(forged).hex(), "rtmr0": m["rtmr"][0],
               "strictPolicy": STRICT,
               "report": native([question(quote, collateral, m["check_at"])])[0]}
    with kit.folder() as home:
        run, answers = playwright(home, example, questions)
    for line in run.stdout.splitlines():
        kind, _, rest = line.partition(" ")
        if kind in ("ok", "FAIL"):
            kit.report(kind, *rest.split(" got ", 1) if kind == "FAIL" else (rest,))
    kit.check("the script ran to its end", run.returncode in (0, 1) and run.stdout.count("\nok ") > 40,
              (run.returncode, run.stderr))
    same("Chromium", answers["reports"], native(questions))


if __name__ == "__main__":
    kit.main(globals())
