#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What building a guest in a box costs beside plain cargo on the same machine: a guest with serde, with nothing kept,
and at a second commit, when downloads are there. Needs a network in which cargo reaches its registry."""
import json, os, shutil, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))
import kit

TARGET = "wasm32-wasip1"
MAIN = 'fn main() { println!("{}", serde_json::json!({"n": %d})); }\n'
MANIFEST = """[package]
name = "with-serde"
version = "0.1.0"
edition = "2021"

[dependencies]
serde = { version = "1", features = ["derive"] }
serde_json = "1"
"""


def write(folder, commit):
    os.makedirs(os.path.join(folder, "src"), exist_ok=True)
    for name, text in (("Cargo.toml", MANIFEST), ("src/main.rs", MAIN % commit)):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)


def plain(folder, home):
    """Seconds of cargo alone, with the guests' compiler and an empty target folder."""
    bin = os.path.realpath(os.path.join(kit.ROOT, "build/guest", "root", "guest/bin"))
    env = {"PATH": f"{bin}:/usr/bin:/bin", "HOME": home, "CARGO_HOME": os.path.join(home, "cargo"),
           "RUSTC": os.path.join(bin, "rustc"),
           "CARGO_TARGET_WASM32_WASIP1_LINKER": "/usr/bin/wasm-ld-19", "CARGO_INCREMENTAL": "0",
           **{k: v for k, v in os.environ.items() if k.startswith(("SSL_", "CARGO_HTTP"))}}
    shutil.rmtree(os.path.join(folder, "target"), ignore_errors=True)
    start = time.monotonic()
    subprocess.run(["/usr/bin/cargo", "build", "--quiet", "--release", "--target", TARGET], cwd=folder, env=env,
                   check=True)
    took = time.monotonic() - start
    shutil.rmtree(os.path.join(folder, "target"))
    return took


def boxed(folder, env):
    done = subprocess.run([kit.program("outlayer"), "request", "--repo", folder, "--target", TARGET, "--json"], env=env,
                          capture_output=True)
    answer = json.loads(done.stdout.decode().strip().splitlines()[-1])
    if not answer["success"]:
        raise SystemExit(f"the request failed: {answer['error']}")
    return answer["compile_time_ms"] / 1000


with kit.folder() as home:
    ours, theirs = os.path.join(home, "ours"), os.path.join(home, "theirs")
    env = {**os.environ, "OUTLAYER_HOME": os.path.join(home, "up"), "LOG_LEVEL": "warn"}
    up = subprocess.Popen([kit.program("outlayer"), "up", "--json"], env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    up.stdout.readline()
    try:
        for commit, what in enumerate(("nothing kept", "another commit, downloads kept", "once more")):
            write(ours, commit)
            write(theirs, commit)
            # In turns, so that both meet the same machine; what is billed is fetching, building and machine code.
            a, b = boxed(ours, env), plain(theirs, home)
            print(f"a guest with serde, {what:<32} {a:>7.2f} s   plain cargo {b:>7.2f} s   {a / b:.2f} times",
                  flush=True)
    finally:
        up.send_signal(2)
        up.wait()
