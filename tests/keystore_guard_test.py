#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-keystore as a process: its memory, files, user, log and end, and bytes of strangers."""
import base64, contextlib, hashlib, json, os, re, subprocess, sys, threading

import kit, near
from keystore_world import CONTRACT, REPO, TOKEN, World, world
from kit import Daemon, check, equal, folder


def test_nothing_of_it_is_for_others_to_read():
    # its memory holds every secret: no core dumps, no debugger, no program started from inside
    with world() as w:
        pid = w.keystore.process.pid
        with open(f"/proc/{pid}/status") as f:
            status = f.read()
        check("a system call filter", "Seccomp:\t2" in status, status[-600:])
        check("no new privileges", "NoNewPrivs:\t1" in status)
        with open(f"/proc/{pid}/limits") as f:
            check("no core dumps", any(x.startswith("Max core file size") and x.split()[4] == "0" for x in f))
        equal("the files are its user's", {oct(os.stat(os.path.join(w.store, x)).st_mode & 0o777)
                                           for x in ("master.key", "audit.log", "keystore.json")}, {"0o600"})


# --- without a chain: what is refused before the chain is asked
class Lone:
    """A keystore whose chain does not answer."""

    def __init__(self, stack, home, **env):
        self.store, self.home = os.path.join(home, "keystore"), home
        os.makedirs(self.store, exist_ok=True)
        self.start(stack, **env)

    def start(self, stack, **env):
        settings = {"NEAR_RPC_URL": "http://127.0.0.1:1", "OFFCHAINVM_CONTRACT_ID": CONTRACT, "SERVER_PORT": "0",
                    "ALLOWED_WORKER_TOKEN_HASHES": hashlib.sha256(TOKEN.encode()).hexdigest(), **env}
        self.keystore = stack.enter_context(Daemon("outlayer-keystore", settings, home=self.store))
        self.identity = self.keystore.ready["identity"]

    ask, pubkey = World.ask, World.pubkey

    def audit(self):
        with open(os.path.join(self.store, "audit.log")) as f:
            return [json.loads(x) for x in f]


@contextlib.contextmanager
def lone(**env):
    with contextlib.ExitStack() as stack, folder() as home:
        k = Lone(stack, home, **env)
        k.stack = stack
        yield k


GENERATE = {"repo": REPO, "owner": "alice.test.near", "profile": "prod",
            "new_secrets": [{"name": "PROTECTED_T", "generation_type": "hex32"}]}


def test_foreign_bytes_do_not_end_the_keystore():
    # a text that is cut inside a character must not be one that JSON, and with it the audit log, cannot hold
    with lone() as k:
        for n in (31, 32, 33):
            for path, token in (("/add_generated_secret", TOKEN), ("/session", None), ("/decrypt", None),
                                ("/pubkey", TOKEN)):
                status, a = k.ask("POST", path, {"x" * (n % 2 + 1) + "\u00e9" * n: 1}, token)
                check(f"{path}: a field of {n} foreign letters", status == 400
                      and "unknown field" in a["error"]["message"], (status, a))
        cut = "x" + "\u00e9" * 60
        for name, change in (("a name", {"new_secrets": [{"name": cut, "generation_type": "hex32"}]}),
                             ("a type", {"new_secrets": [{"name": "PROTECTED_T", "generation_type": cut}]}),
                             ("a password",
                              {"new_secrets": [{"name": "PROTECTED_T", "generation_type": "password:" + cut}]}),
                             ("an owner", {"owner": cut}), ("a repository", {"repo": cut})):
            status, a = k.ask("POST", "/add_generated_secret", {**GENERATE, **change})
            check(f"{name} of foreign letters", status in (400, 413) and "\ufffd" not in a["error"]["message"],
                  (status, a))
        equal("bytes that are no text, in a query", k.ask("GET", "/pubkey?repo=a/b&owner=%ff%c3&branch=%c3")[0], 400)
        equal("and in a body", k.ask("POST", "/session", b'{"account_id":"\xff\xc3"}', None)[0], 400)
        check("each refusal is in the audit log", len([x for x in k.audit() if x["verdict"] == "refused"]) >= 11,
              k.audit()[-1])
        equal("it still serves", k.ask("GET", "/health", token=None)[0], 200)


def test_large_texts_do_not_end_the_keystore():
    # whatever a record is made of is bounded before anybody's signature is looked at
    with lone() as k:
        a = k.ask("POST", "/add_generated_secret", GENERATE)[1]
        key = near.Key()
        more = {**GENERATE, "encrypted_secrets_base64": a["encrypted_data_base64"], "public_key": key.public,
                "nonce": base64.b64encode(bytes(32)).decode(),
                "signature": base64.b64encode(bytes(64)).decode(),
                "new_secrets": [{"name": "PROTECTED_U", "generation_type": "hex32"}]}
        equal("as long as a URL may be: on to the signature",
              k.ask("POST", "/add_generated_secret", {**more, "callback_url": "u" * 2048})[0], 401)
        for n in (2049, 70000):
            status, a = k.ask("POST", "/add_generated_secret", {**more, "callback_url": "u" * n})
            check(f"a callback_url of {n} bytes", status == 413
                  and "'callback_url' has more than 2048 bytes" in a["error"]["message"], (status, a))
        signed = {"session_id": "00" * 32, "counter": 1, "signature": "ed25519:" + near.b58(bytes(64))}
        for n in (2 ** 63, 2 ** 64 - 1, str(2 ** 63), str(2 ** 64 - 1)):
            status, a = k.ask("POST", "/decrypt", {**signed, "request_id": n}, None)
            check(f"request {n!r}", status == 400 and a["error"]["message"], (status, a))
        for n in (str(2 ** 63 - 1), 2 ** 63 - 1):
            equal(f"request {n!r} is asked for by nobody's session",
                  k.ask("POST", "/decrypt", {**signed, "request_id": n}, None)[0], 401)
        equal("it still serves", k.ask("GET", "/health", token=None)[0], 200)


def test_a_rotation_says_what_is_true():
    # "no new generation" beside one that is in force, or the other way round, and its owner rotates again or never
    with lone() as k:
        facts = os.path.join(k.store, "keystore.json")
        os.remove(facts)
        os.mkdir(facts)  # cannot be replaced by a file
        k.keystore.signal(10)  # SIGUSR1
        check("in force", kit.until(lambda: k.pubkey("alice.test.near")["generation"] == 2))
        check("the log says so, and what is missing",
              kit.until(lambda: "the new generation is in force; keystore.json" in k.keystore.output())
              and "no new generation" not in k.keystore.output(), k.keystore.output())
        check("the audit log, too", kit.until(lambda: [x for x in k.audit() if x["what"] == "rotate"
                                                       and x["verdict"] == "allowed" and "keystore.json" in x["why"]]))
        os.rmdir(facts)
        os.rename(os.path.join(k.store, "master.key"), os.path.join(k.store, "away"))
        os.mkdir(os.path.join(k.store, "master.key"))
        k.keystore.signal(10)
        check("not in force: the log says so", kit.until(lambda: "no new generation" in k.keystore.output()),
              k.keystore.output())
        equal("and so it is", k.pubkey("alice.test.near")["generation"], 2)
        check("the audit log, too", kit.until(lambda: k.audit()[-1]["verdict"] == "failed"), k.audit())
        os.rmdir(os.path.join(k.store, "master.key"))
        os.rename(os.path.join(k.store, "away"), os.path.join(k.store, "master.key"))
        k.keystore.kill()
        with open(os.path.join(k.store, "master.key.tmp-aB3dE6"), "w") as f:
            f.write("identity 00")
        k.start(k.stack)
        equal("killed: the same generation", k.pubkey("alice.test.near")["generation"], 2)
        check("facts are there again, half-written masters are not", os.path.isfile(facts)
              and sorted(os.listdir(k.store)) == ["audit.log", "keystore.json", "keystore.lock", "master.key"],
              os.listdir(k.store))
        k.keystore.stop()
        os.chmod(os.path.join(k.store, "master.key"), 0o644)
        try:
            k.start(k.stack)
            check("a master that others can read", False)
        except RuntimeError as why:
            check("a master that others can read is refused", "master.key is open to others (mode 0644)" in str(why)
                  and "chmod 600" in str(why), why)


def test_strangers_do_not_fill_the_audit_log():
    # whoever can reach it could write away who was given what
    with lone() as k:
        k.ask("POST", "/add_generated_secret", GENERATE)
        for _ in range(150):
            k.ask("POST", "/session", {"account_id": "mallory.near"}, None)
        junk = {**GENERATE, "public_key": near.Key().public, "nonce": base64.b64encode(bytes(32)).decode(),
                "signature": base64.b64encode(bytes(64)).decode()}
        for _ in range(100):  # a signature that nothing asks for proves nothing
            equal("it still gives", k.ask("POST", "/add_generated_secret", junk)[0], 200)
        whats = [x["what"] for x in k.audit()]
        check("of strangers as many as of a minute or two", whats.count("session") + whats.count("generate") <= 120,
              (len(whats), whats[-1]))
        k.keystore.stop()
        check("and how many more there were", sum(x.get("count", 1) for x in k.audit()) == 251, k.audit()[-1])


def test_audits_keep_nobody_waiting():
    # a few who read the audit log would keep all others from generating secrets, or one of them all who read it
    with lone() as k:
        log, kept, pipe = (os.path.join(k.store, x) for x in ("audit.log", "kept", "pipe"))
        k.ask("POST", "/add_generated_secret", GENERATE)
        os.rename(log, kept)
        os.mkfifo(log)  # whoever reads the log waits here
        answers = []
        question = lambda n: {"owner": f"a{n}.test.near", "nonce": "ab" * 32}
        asking = [threading.Thread(target=lambda n: answers.append(k.ask("POST", "/audit", question(n))), args=(i % 4,))
                  for i in range(20)]
        for t in asking:
            t.start()
        check("of each of four owners four questions are taken", kit.until(lambda: len(answers) == 4), answers)
        equal("the others are told to ask again", [(status, "a fifth" if "too many requests of a" in a["error"]["message"] else a)
                                                   for status, a in answers], [(503, "a fifth")] * 4)
        equal("secrets are generated meanwhile", [k.ask("POST", "/add_generated_secret", GENERATE)[0] for _ in range(20)], [200] * 20)
        os.rename(log, pipe)
        os.rename(kept, log)
        os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))
        for t in asking:
            t.join(kit.PATIENCE_SECONDS)
        equal("and all that were taken are answered", sorted(status for status, _ in answers), [200] * 16 + [503] * 4)


def test_the_audit_log_is_a_chain():
    # whoever can write the file must not be able to change who was given what without a trace
    def audit(*words):
        run = subprocess.run([kit.program("outlayer"), "audit", *words, "--home", k.store], capture_output=True, text=True)
        return run.returncode, run.stdout, run.stderr
    with lone() as k:
        for _ in range(3):
            k.ask("POST", "/add_generated_secret", GENERATE)
        status, out, _ = audit("verify", "--json")
        whole = json.loads(out)
        equal("whole while it runs", (status, whole["whole"], whole["first"], whole["last"]), (0, True, 1, 3))
        lines = open(os.path.join(k.store, "audit.log")).read()
        equal("exported", audit("export"), (0, lines, ""))
        equal("from a line on", audit("export", "--from", "3")[1], lines.splitlines(True)[2])
        k.keystore.kill()
        k.start(k.stack)
        k.ask("POST", "/add_generated_secret", GENERATE)
        equal("it goes on after a crash", audit("verify")[0], 0)
        equal("what was last before is in it", audit("verify", "--hash", whole["hash"])[0], 0)
        log = os.path.join(k.store, "audit.log")
        text = open(log).read().splitlines(True)
        with open(log, "w") as f:
            f.writelines([text[0], text[1].replace("allowed", "refused"), *text[2:]])
        status, _, said = audit("verify")
        check("a changed line is named", status == 3 and "entry 2 of the audit log is broken" in said, (status, said))
        with open(log, "w") as f:
            f.writelines(text[:2])
        status, _, said = audit("verify", "--hash", whole["hash"])
        check("an end that was cut off is missed by its hash", status == 3 and "no entry" in said, (status, said))
        equal("an option of the other action", audit("export", "--hash", whole["hash"])[0], 2)


# --- its memory and its user
def proc_status(pid, *names):
    with open(f"/proc/{pid}/status") as f:
        rows = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    return [" ".join(rows[n].split()) for n in names]


def in_memory(pid, *values):
    """How often each of the values stands in the process's writable memory."""
    counts = [0] * len(values)
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for start, end in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw", maps.read(), re.M):
            with contextlib.suppress(OSError, OverflowError, ValueError):
                mem.seek(int(start, 16))
                data = mem.read(int(end, 16) - int(start, 16))
                counts = [n + data.count(v) for n, v in zip(counts, values)]
    return counts


def test_the_master_is_in_its_vault_alone():
    # freed memory keeps what stood in it: a buffer that grew or a file that was read would leave the master behind
    if os.geteuid() != 0:
        raise kit.Skip("reading other processes' memory needs root")
    with lone() as k:
        def look(when):
            with open(os.path.join(k.store, "master.key")) as f:
                digits = [line.split()[1] for line in f]
            pieces = [x.encode() for d in digits for x in re.findall("." * 16, d)]
            pid = k.keystore.process.pid
            equal(f"{when}: its hexadecimal form is nowhere", [p for p, n in zip(pieces, in_memory(pid, *pieces)) if n],
                  [])
            secrets = [bytes.fromhex(d) for d in digits[1:]]
            equal(f"{when}: each generation stands in one place", in_memory(pid, *secrets), [1] * len(secrets))
        check("the search finds what is there", in_memory(k.keystore.process.pid, CONTRACT.encode())[0] > 0)
        look("first start")
        for n in range(2, 6):
            k.keystore.signal(10)  # SIGUSR1
            kit.until(lambda: k.pubkey("alice.test.near")["generation"] == n)
        look("after rotations")
        for _ in range(20):
            k.ask("POST", "/add_generated_secret", GENERATE)
        look("after use")
        k.keystore.stop()
        k.start(k.stack)
        look("second start")


def test_memory_is_locked_or_a_warning_says_what_to_raise():
    with lone() as k:
        locked, resident = (int(x.split()[0]) for x in proc_status(k.keystore.process.pid, "VmLck", "VmRSS"))
        if "memory is not locked" in k.keystore.output():
            check("the warning says what to raise", "RLIMIT_MEMLOCK is" in k.keystore.output()
                  and "LimitMEMLOCK=infinity" in k.keystore.output(), k.keystore.output())
            check("the master is locked all the same", locked >= 4 or kit.BUILD.endswith("asan"),
                  locked)  # asan makes mlock do nothing
        else:
            check("all of it is locked", locked > 10000, locked)
        check("and no more is resident than before", resident < 60000, resident)


SOMEBODY = 2000000732  # nobody's number


def may_open(pid, user):
    """Whether this user may look into the process."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0


def is_only(k, user):
    """The keystore is this user and nothing more; what works for root works for it."""
    pid = k.keystore.process.pid
    equal("user and group", proc_status(pid, "Uid", "Gid"), [" ".join([str(user)] * 4)] * 2)
    equal("no further groups", proc_status(pid, "Groups"), [""])
    equal("no capabilities", proc_status(pid, "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), ["0" * 16] * 5)
    check("filters stay", proc_status(pid, "Seccomp", "NoNewPrivs") == ["2", "1"])
    equal("nobody looks into its memory, not even it itself",
          [may_open(pid, x) for x in (user or SOMEBODY, SOMEBODY + 1)], [False, False])
    k.keystore.signal(10)  # SIGUSR1
    check("it can rotate", kit.until(lambda: k.pubkey("alice.test.near")["generation"] == k.generation + 1),
          k.keystore.output())
    k.generation += 1
    check("and writes its audit log",
          kit.until(lambda: [x["what"] for x in k.audit()].count("rotate") == k.generation - 1))
    files = {name: os.stat(os.path.join(k.store, name)) for name in os.listdir(k.store)}
    equal("its files are its own", {(s.st_uid, oct(s.st_mode & 0o777)) for s in files.values()}, {(user, "0o600")})


def test_root_becomes_the_homes_owner():
    # who breaks into the keystore should not be root, nor find anything of other users
    if os.geteuid() != 0:
        raise kit.Skip("becoming another user needs root")
    with contextlib.ExitStack() as stack, folder() as home:
        k = Lone(stack, home)
        k.generation = 1
        is_only(k, 0)
        check("as root it says what to do", "chown -R" in k.keystore.output(), k.keystore.output())
        k.keystore.stop()
        os.chown(k.store, SOMEBODY, SOMEBODY)
        try:
            k.start(stack)
            check("a home whose files stayed root's", False)
        except RuntimeError as why:
            check("a home whose files stayed root's: it says which and how",
                  "/keystore/master.key cannot be used" in str(why) and "chown -R" in str(why), why)
        for name in os.listdir(k.store):
            os.chown(os.path.join(k.store, name), SOMEBODY, SOMEBODY)
        before = k.identity
        k.start(stack)
        equal("an older home, given away: the same identity", k.identity, before)
        is_only(k, SOMEBODY)
        check("no warning about root", "is root" not in k.keystore.output(), k.keystore.output())
        k.keystore.kill()
        k.start(stack)
        is_only(k, SOMEBODY)
        k.keystore.stop()
        os.chown(k.store, SOMEBODY, 0)
        k.start(stack)
        equal("root's group does not stay", proc_status(k.keystore.process.pid, "Gid"), [" ".join([str(SOMEBODY)] * 4)])


def test_it_ends_with_its_parent():
    # the kernel forgets the parent-death signal at a change of the user
    if os.geteuid() != 0:
        raise kit.Skip("becoming another user needs root")
    with folder() as home:
        store = os.path.join(home, "keystore")
        os.mkdir(store)
        os.chown(store, SOMEBODY, SOMEBODY)
        start = ("import ctypes, os, subprocess, sys, time\n"
                 "p = subprocess.Popen(sys.argv[1:], preexec_fn=lambda: ctypes.CDLL(None).prctl(1, 15), stderr=subprocess.DEVNULL)\n"  # PR_SET_PDEATHSIG, SIGTERM
                 "print(p.pid, flush=True)\ntime.sleep(100)\n")
        env = {"OUTLAYER_HOME": store, "NEAR_RPC_URL": "http://127.0.0.1:1", "OFFCHAINVM_CONTRACT_ID": CONTRACT,
               "SERVER_PORT": "0", "STATUS_LISTEN": "off", "PATH": os.environ["PATH"]}
        parent = subprocess.Popen([sys.executable, "-c", start, kit.program("outlayer-keystore")], env=env,
                                  stdout=subprocess.PIPE)
        try:
            pid = int(parent.stdout.readline())
            check("it is up, as its user", kit.until(lambda: proc_status(pid, "Uid")[0].startswith(str(SOMEBODY))
                                                     and os.path.exists(os.path.join(store, "audit.log"))))
            parent.kill()
            parent.wait()
            check("and ends with its parent",
                  kit.until(lambda: not os.path.exists(f"/proc/{pid}") or proc_status(pid, "State")[0].startswith("Z")))
        finally:
            parent.kill()


def test_up_gives_the_keystore_a_user():
    from stack_test import Stack, children
    if os.geteuid() != 0:
        raise kit.Skip("only root can give a user")
    with folder() as home:
        s = Stack(home)
        try:
            pid = children(s.process.pid)["outlayer-keystore"]
            user = int(proc_status(pid, "Uid")[0].split()[0])
            check("a user of its own", user not in (0, 65534)
                  and proc_status(pid, "Uid", "Gid") == [" ".join([str(user)] * 4)] * 2, user)
            equal("the home is that user's, all of it",
                  {os.stat(os.path.join(home, "keystore", n)).st_uid
                   for n in [".", *os.listdir(os.path.join(home, "keystore"))]}, {user})
            equal("the others stay who they are",
                  {int(proc_status(p, "Uid")[0].split()[0]) for n, p in children(s.process.pid).items()
                   if n in ("outlayer-devnet", "outlayer-coordinator", "outlayer-worker")}, {0})
            equal("it serves", kit.http("POST", s.info["coordinator_url"] + "/secrets/challenge", {},
                                        {"Authorization": f"Bearer {s.info['coordinator_token']}"})[0], 200)
            os.kill(pid, 9)
            check("killed, it is started again as that user",
                  kit.until(lambda: (lambda p: p and p != pid
                                     and proc_status(p,
                                                     "Uid")[0].startswith(str(user)))(children(s.process.pid).get("outlayer-keystore"))))
            s.stop()
            for name in [*os.listdir(os.path.join(home, "keystore")), "."]:
                os.chown(os.path.join(home, "keystore", name), 0, 0)
            s = Stack(home)  # a home of before
            equal("an older home is given away, too", proc_status(children(s.process.pid)["outlayer-keystore"], "Uid"),
                  [" ".join([str(user)] * 4)])
        finally:
            s.stop()


if __name__ == "__main__":
    kit.main(globals())
