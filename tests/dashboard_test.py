#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboard: its files as the coordinator serves them, and its pages in a real Chromium against a real `outlayer up`.
Whoever cannot see here what became of a request, or is shown something that is not so, has nowhere else to look."""
import gzip, hashlib, json, os, re, shutil, subprocess, threading, types

import kit, near
from kit import check, equal
from near_api_js_test import installed, node
from simulator_test import Simulator
from stack_test import HEAD, Stack, project

PAGES = os.path.join(kit.ROOT, "tests", "browser", "dashboard")
SHOTS = os.path.join(kit.ROOT, "build", "shots")
FAILS = HEAD + 'int main(void) { fputs("told why\\n", stderr); return 3; }\n'


def write(path, body):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(body)


def small_dashboard(folder):
    """A folder as `make dashboard` makes it, with next to nothing in it."""
    index, script = b"<!doctype html><title>x</title>", b"console.log(1)" * 50
    for name, body in (("index.html", index), ("verification.html", index), ("assets/a-1b2c.js", script)):
        write(os.path.join(folder, name), body)
        write(os.path.join(folder, name + ".gz"), gzip.compress(body))
    write(os.path.join(folder, "favicon.svg"), b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    write(os.path.join(folder, "assets", "notes.bak"), b"not for pages")
    write(os.path.join(os.path.dirname(folder), "secret.js"), b"outside")
    return index, script


def test_files():
    """Whoever serves these files wrongly has old scripts in browsers for good, or strangers' scripts in our pages."""
    with kit.folder() as home:
        folder = os.path.join(home, "pages", "dashboard")
        index, script = small_dashboard(folder)
        with kit.Daemon("outlayer-coordinator", {"DASHBOARD_DIR": folder, "PUBLIC_NEAR_RPC_URL": "https://rpc.example",
                                                 "OUTLAYER_NETWORK": "devnet", "FAUCET_URL": "http://127.0.0.1:1/faucet/"},
                        home=os.path.join(home, "c")) as c:
            for path in ("/", "/executions", "/executions/a.near/7", "/stats", "/settings"):
                status, headers, body = kit.get(c.url + path)
                equal(f"{path} is the document", (status, headers["Content-Type"], body),
                      (200, "text/html; charset=utf-8", index))
            equal("it is asked for anew each time", headers["Cache-Control"], "no-cache")
            policy = headers["Content-Security-Policy"]
            check("its policy lets it ask the coordinator and the chain, and run nothing of strangers",
                  all(part in policy for part in ("default-src 'none'", "script-src 'self';", "style-src 'self';",
                                                  "connect-src 'self' https://rpc.example http://127.0.0.1:1/faucet/account;",
                                                  "frame-ancestors 'none'",
                                                  "base-uri 'none'", "form-action 'none'", "require-trusted-types-for"))
                  and "unsafe" not in policy, policy)
            other = kit.get(c.url + "/executions/a.near/7/verification")[1]["Content-Security-Policy"]
            equal("the document that verifies may run WebAssembly besides, and no other may",
                  other, policy.replace("script-src 'self';", "script-src 'self' 'wasm-unsafe-eval';"))
            equal("and so do the other headers",
                  [headers[name] for name in ("X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options",
                                              "Cross-Origin-Opener-Policy")],
                  ["nosniff", "no-referrer", "DENY", "same-origin"])
            etag = headers["ETag"]
            for given, want in ((etag, 304), (f'"x", W/{etag}', 304), ("*", 304), ('"x"', 200)):
                status, headers, body = kit.get(c.url + "/", headers={"If-None-Match": given})
                equal(f"If-None-Match {given[:8]}", (status, body), (want, b"" if want == 304 else index))
            status, headers, body = kit.get(c.url + "/assets/a-1b2c.js", headers={"Accept-Encoding": "br, GZIP;q=0.5"})
            equal("a script comes compressed to whoever takes it so", (status, headers["Content-Encoding"]), (200, "gzip"))
            equal("and is the script", gzip.decompress(body), script)
            check("browsers keep it for good", "immutable" in headers["Cache-Control"] and headers["Vary"], headers)
            other = kit.get(c.url + "/assets/a-1b2c.js", headers={"Accept-Encoding": "gzip;q=0, br"})
            equal("and as it is to whoever does not", (other[1]["Content-Encoding"], other[2]), (None, script))
            check("the two have tags of their own", other[1]["ETag"] != headers["ETag"], other[1]["ETag"])
            status, headers, body = kit.http("HEAD", c.url + "/")
            equal("HEAD has the headers alone", (status, body, headers["Content-Length"]), (200, b"", str(len(index))))
            for path in ("/assets/none.js", "/assets/notes.bak", "/assets/..%2fsecret.js", "/assets/..%2findex.html",
                         "/assets/", "/public/none", "/executions/a.near"):
                status, headers, body = kit.get(c.url + path)
                check(f"{path} is an error in JSON", status in (400, 404) and json.loads(body)["error"]["message"],
                      (status, body))


def test_wallets():
    """The document of wallets may do more than the pages; whoever gives the pages as much, or keeps its nonce, gives secrets away."""
    with kit.folder() as home:
        folder = os.path.join(home, "pages", "dashboard")
        small_dashboard(folder)
        write(os.path.join(folder, "wallet.html"), b'<script nonce="@NONCE@" src="/assets/a-1b2c.js"></script>')
        write(os.path.join(folder, "wallets.json"), b'{"wallets":[]}')
        policies = {}
        for network in ("devnet", "testnet"):
            with kit.Daemon("outlayer-coordinator", {"DASHBOARD_DIR": folder, "PUBLIC_NEAR_RPC_URL": "https://rpc.example",
                                                     "OUTLAYER_NETWORK": network, "NEAR_RPC_URL": "http://127.0.0.1:1"},
                            home=os.path.join(home, network)) as c:
                policies[network] = kit.get(c.url + "/")[1]
                status, headers, body = kit.get(c.url + "/wallet.html")
                if network == "devnet":
                    check("a local chain has none", status == 404 and json.loads(body)["error"], body)
                    continue
                found = [re.search(b'nonce="([A-Za-z0-9+/=]{24})"', kit.get(c.url + "/wallet.html")[2]) for _ in range(3)]
                equal("each answer has a nonce of its own", len({m.group(1) for m in found}), 3)
                policy = headers["Content-Security-Policy"]
                nonce = re.search(b'nonce="([^"]*)"', body).group(1).decode()
                check("its script runs by it, and no other does",
                      f"script-src 'nonce-{nonce}';" in policy and "unsafe-eval" not in policy, policy)
                check("our pages alone may frame it", "frame-ancestors 'self'" in policy and
                      headers["X-Frame-Options"] == "SAMEORIGIN", policy)
                equal("it is kept by nobody", (headers["Cache-Control"], headers["ETag"]), ("no-store", None))
                equal("the list of wallets is there", kit.get(c.url + "/wallets.json")[2], b'{"wallets":[]}')
        equal("pages may frame it, and nothing else is different", policies["testnet"]["Content-Security-Policy"],
              policies["devnet"]["Content-Security-Policy"] + "; frame-src 'self'")
        equal("windows of wallets may answer where there are wallets",
              [policies[n]["Cross-Origin-Opener-Policy"] for n in ("devnet", "testnet")],
              ["same-origin", "same-origin-allow-popups"])


def test_without_files():
    """A coordinator without a dashboard says so; one whose folder is none does not start."""
    with kit.folder() as home:
        with kit.Daemon("outlayer-coordinator", home=os.path.join(home, "c")) as c:
            status, _, body = kit.get(c.url + "/")
            check("it says that it has none", status == 404 and "no dashboard" in json.loads(body)["error"]["message"],
                  body)
        for env, words in (({"DASHBOARD_DIR": home + "/none"}, "DASHBOARD_DIR"),
                           ({"DASHBOARD_DIR": home + "/c"}, "index.html"),
                           ({"FAUCET_URL": "http://127.0.0.1:1/account", "OUTLAYER_NETWORK": "testnet"}, "FAUCET_URL")):
            try:
                kit.Daemon("outlayer-coordinator", env, home=os.path.join(home, "d")).kill()
                check(f"{env} is refused at the start", False)
            except RuntimeError as why:
                check(f"{env} is refused at the start", words in str(why), why)


def test_units():
    """Money, times and numbers beyond 2^53, as pages write them."""
    if not shutil.which("npm"):
        raise kit.Skip("npm is not installed")
    done = subprocess.run([os.path.join(kit.ROOT, "scripts", "dashboard.sh"), "test"], capture_output=True, text=True)
    check("the dashboard's unit tests pass", done.returncode == 0, (done.stdout + done.stderr)[-1500:])


def named_tests():
    """The names of all tests of the dashboard: of this file, of its unit tests, and of what drives its pages."""
    names = {name for name in globals() if name.startswith("test_")}
    for folder, ending in ((os.path.join(kit.ROOT, "dashboard", "src"), ".test.ts"), (PAGES, ".mjs")):
        for path, _, files in os.walk(folder):
            for name in (f for f in files if f.endswith(ending)):
                with open(os.path.join(path, name), encoding="utf-8") as f:
                    names |= set(re.findall(r'^test\("([^"]+)"|^  async "([^"]+)"', f.read(), re.M))
    return {one for name in names for one in ([name] if isinstance(name, str) else name) if one}


def test_faults():
    """Each fault that docs/dashboard.md lists is held by a test that is there, or the page says why it cannot occur."""
    with open(os.path.join(kit.ROOT, "docs", "dashboard.md"), encoding="utf-8") as f:
        rows = re.search(r"<!-- faults -->\n(.*?)<!-- /faults -->", f.read(), re.S).group(1).splitlines()[2:]
    check("there are rows", len(rows) > 30, len(rows))
    known = named_tests()
    for row in rows:
        fault, held = [part.strip() for part in row.strip("|").split("|")]
        names = [n for n in re.findall(r"`([^`]+)`", held) if not re.match(r"make check|.*/", n)]
        check(fault[:70], set(names) <= known and (names or held.startswith("cannot occur:")), set(names) - known)


def chromium():
    found = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not found:
        raise kit.Skip("chromium-headless-shell is not installed")
    return found


def made():
    """build/dashboard and build/docs, made where they are not yet; `up` finds them beside its programs."""
    if not shutil.which("npm"):
        raise kit.Skip("npm is not installed")
    done = subprocess.run(["make", "--no-print-directory", "dashboard", "book"], cwd=kit.ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"make dashboard book failed: {done.stderr[-800:]}")


def drive(home, name, world, asks, timeout=900):
    """Runs tests/browser/dashboard/NAME, or the test of it that PAGES_ONLY names; each line that is a key of `asks` has that
    function called."""
    only = [os.environ["PAGES_ONLY"]] if "PAGES_ONLY" in os.environ else []
    packages = installed("tests/browser")
    scripts = os.path.join(packages, "dashboard")
    shutil.copytree(PAGES, scripts, dirs_exist_ok=True)
    path = os.path.join(home, "world.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(world, f)
    run = subprocess.Popen([node(), os.path.join(scripts, name), path, *only], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, env={**os.environ, "CHROMIUM": chromium(), "SHOTS": SHOTS})
    killer = threading.Timer(timeout, run.kill)
    killer.start()
    lines = 0
    for line in run.stdout:
        kind, _, rest = line.rstrip("\n").partition(" ")
        lines += 1
        if kind in ("ok", "FAIL"):
            kit.report(kind, *rest.split(" got ", 1) if kind == "FAIL" else (rest,))
        elif kind == "took":
            print(kind, rest, flush=True)
        elif kind in asks:
            threading.Thread(target=asks[kind], daemon=True).start()
    killer.cancel()
    check("the script ran to its end", run.wait() in (0, 1) and lines > (0 if only else 10), (run.returncode, run.stderr.read()[-800:]))


# x and y of the key that Intel's quotes lead to, as it publishes it (Intel SGX Root CA).
INTELS_ROOT = ("0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f5"
               "67918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394")


def registered(stack):
    """A key that the register contract knows by a quote, and a quote of the same machine for nothing in particular."""
    def tee(*args):
        done = subprocess.run([kit.program("outlayer"), "tee", *args, "--json"], env=stack.env, capture_output=True,
                              text=True, timeout=120)
        return json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr[-400:]}

    check("the image is approved", tee("approve", "--yes").get("mrtd"))
    key = tee("register").get("public_key")
    check("a key is registered", key)
    agent = types.SimpleNamespace(socket=stack.info["dstack_endpoint"])
    challenge, config = (near.view_value(stack.info["rpc_url"], stack.info["register_contract_id"], what)
                         for what in ("get_challenge", "get_config"))
    return {"registered_key": key, "register": stack.info["register_contract_id"], "challenge": challenge["challenge"], "root": config["root_public_key"], "intels_root": INTELS_ROOT,
            "other_quote": json.loads(Simulator.ask(agent, "/GetQuote?report_data=00")[2])["quote"]}


def coin(stack, job):
    """A contract that asks for an execution by itself: contracts/examples/coin_flip, of alice's."""
    rpc, owner = stack.info["rpc_url"], stack.info["accounts"][0]
    alice = near.Account(rpc, owner["account_id"], near.Key.parse(owner["private_key"]))
    game = alice.create(f"coin.{alice.id}", 5 * near.NEAR)
    with open(kit.built("contracts/coin_flip.wasm"), "rb") as f:
        game.send(game.id, near.deploy(f.read()), near.call("new", {
            "owner_id": alice.id, "outlayer_id": stack.info["contract_id"], "repo": job["repo"], "commit": job["commit"],
            "price": str(near.NEAR // 20)}), wait="FINAL")
    return game.id


NETWORKS = ["testnet", "mainnet"]
WALLETS = [("honest", "Honest"), ("other", "Other account"), ("hangs", "Hangs"), ("late", "Late"), ("refuses", "Refuses"),
           ("denied", "Denied"), ("changed", "Changed")]


def with_wallets(home, world):
    """A coordinator that says it is testnet's, whose dashboard offers the wallets of tests/browser/dashboard/test_wallet.js."""
    folder = os.path.join(home, "with-wallets")
    shutil.copytree(os.path.join(kit.ROOT, "build", "dashboard"), folder)
    with open(os.path.join(PAGES, "test_wallet.js"), encoding="utf-8") as f:
        facts = {"hash": world["good"]["transaction_hash"], "contract": world["contract"], "coin": world["coin"]}
        program = f"const WORLD = {json.dumps(facts)};\n{f.read()}".encode()
    write(os.path.join(folder, "assets", "test-wallet.js"), program)
    good = hashlib.sha256(program).hexdigest()
    wallets = [{"id": id, "name": name, "website": "https://wallet.example", "executor": "/assets/test-wallet.js",
                "sha256": "00" * 32 if id == "changed" else good, "networks": NETWORKS, "permissions": {"storage": True}}
               for id, name in WALLETS]
    write(os.path.join(folder, "wallets.json"), json.dumps({"wallets": wallets}).encode())
    return kit.Daemon("outlayer-coordinator", {"DASHBOARD_DIR": folder, "PUBLIC_NEAR_RPC_URL": world["rpc"],
                                               "OUTLAYER_NETWORK": "testnet", "NEAR_RPC_URL": world["rpc"],
                                               "OFFCHAINVM_CONTRACT_ID": world["contract"]},
                      home=os.path.join(home, "testnet"))


def test_pages():
    """Every page in every state, at both widths and in both colours; what is asked while one looks shows up."""
    chromium()
    made()
    with kit.folder() as home:
        stack = Stack(home)
        equal("up says where its dashboard is", stack.info.get("dashboard_url"), stack.info["coordinator_url"])
        equal("and its book", stack.info.get("docs_url"), stack.info["coordinator_url"] + "/docs/")
        proven = registered(stack)
        random = os.path.join(kit.ROOT, "examples", "random-c")
        runs = {name: stack.request(folder, text)[1] for name, folder, text in
                (("hmac", os.path.join(kit.ROOT, "examples", "hmac-c"), "x"), ("good", random, '{"min":1,"max":100}'),
                 ("failed", project(home, "fails", FAILS), "{}"))}
        repos = {name: stack.job(run["transaction_hash"]) for name, run in runs.items()}
        world = {**runs, "runs": list(runs), "repo": repos["good"], "failing": repos["failed"], "hmac": repos["hmac"],
                 "hmac_run": runs["hmac"], "alice": os.path.join(home, "keys", "alice.json"),
                 "url": stack.info["coordinator_url"], "rpc": stack.info["rpc_url"],
                 "contract": stack.info["contract_id"], "answer_transaction": repos["good"]["resolve_tx_id"], "coin": coin(stack, repos["good"]), **proven}
        with with_wallets(home, world) as testnet:
            world["connect"] = testnet.url
            drive(home, "pages.mjs", world, {"ask": lambda: stack.request(random, '{"min":2,"max":3}')})
        equal("up stops", stack.stop(), 0)


if __name__ == "__main__":
    kit.main(globals())
