#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""near-api-js 7.2.0, unmodified from npm, against outlayer-devnet: accounts, keys, contracts, transfers, typed
errors."""
import os, shutil, subprocess, time

import kit, near
from devnet_world import Devnet, probe

JS = os.path.join(kit.ROOT, "tests", "js")


def installed(source):
    """The folder with the packages of a package-lock.json."""
    done = subprocess.run([os.path.join(kit.ROOT, "scripts", "npm.sh"), source], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-600:])
    return done.stdout.strip()


def node():
    """A Node.js that near-api-js and Playwright support: the machine's, or one from npm."""
    done = subprocess.run([os.path.join(kit.ROOT, "scripts", "node.sh")], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-600:])
    return done.stdout.strip()


def script(name):
    """A script of ours beside near-api-js."""
    if not shutil.which("npm"):
        raise kit.Skip("npm is not installed")
    return shutil.copy(os.path.join(JS, name), installed(JS))


def test_slow_answer():
    """A node answers a call within ten seconds or says 408; the client asks again by itself until the answer is
    there."""
    with kit.folder() as home, Devnet(home, BLOCK_IDLE_MS="600") as net:  # the window of 200 blocks is two minutes
        contract = net.probe()
        nonce = net.root.nonce()
        run = subprocess.Popen([node(), script("slow.mjs"), net.url, net.root.id, net.root.key.secret, contract.id,
                                "wait"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            kit.until(lambda: net.root.nonce() > nonce)
            time.sleep(25)
            kit.equal("25 s later nothing has given up", run.poll(), None)
            contract.send(contract.id, near.call("answer", b"slept well"))
            out, err = run.communicate(timeout=120)
        finally:
            run.kill()
        kit.equal("near-api-js with its defaults has the answer", (out.strip(), run.returncode), ("slept well", 0))
        kit.check("and shows no error", "Error" not in err, err)


def test_near_api_js():
    near_api = script("near_api.mjs")
    with kit.folder() as home, Devnet(home) as net:
        run = subprocess.run([node(), near_api, net.url, net.root.id, net.root.key.secret, probe()],
                             capture_output=True, text=True, timeout=300)
        for line in run.stdout.splitlines():
            kind, _, rest = line.partition(" ")
            if kind in ("ok", "FAIL"):
                kit.report(kind, *rest.split(" got ", 1) if kind == "FAIL" and " got " in rest else (rest,))
        checks = run.stdout.count("\nok ") + run.stdout.count("\nFAIL ")
        kit.check("the script ran to its end", checks > 20 and run.returncode in (0, 1), (run.returncode, run.stderr))


if __name__ == "__main__":
    kit.main(globals())
