#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is the same on every kind of machine, run inside one: `inside.py KIND`. Started by machines_test.py alone."""
import json, os, re, shlex, shutil, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kit
import worker_world
from kit import check, equal
from machines import place

PLACE = os.path.dirname(kit.BUILD)
OWN = os.path.join(PLACE, "own")
PATIENCE = kit.START_SECONDS = kit.ANSWER_SECONDS = 300  # until an answer: an emulated processor is slow
GUEST_LIMITS = ["--max-instructions", "100000000000", "--max-memory-mb", "32"]
# input: how the run ends, words of its sentence, and its seconds
BAD = {"memory": ("memory", "32 MB", 30), "spin": ("deadline", "2 seconds", 2), "flood": ("output", "output", 30)}
HOG_MAKEFILE = "app.wasm:\n\t./hog %s %d\n\tcp module $@\n"


class Kind:
    """A kind of machine: what it offers, and how programs are started on it."""
    ways = ("malloc", "memfd", "shm", "tmpfs")  # to take memory

    def __init__(self, degree, words, cgroups=True):
        self.degree = degree
        self.words = words  # of the sentence that says what is offered; a regular expression
        self.builds, self.cgroups = degree != "process", cgroups
        # Memory of a build in MB, and what is too much. Without a group it is one of each process's addresses, of which
        # compilers want many.
        self.limit, self.too_much = (200, 480) if cgroups else (1200, 1500)

    def limits(self):
        return {"COMPILE_MEMORY_LIMIT_MB": str(self.limit), "COMPILE_DISK_LIMIT_MB": str(2 * self.too_much)}

    def isolation(self):
        """The least that is accepted: exactly what there is."""
        return {"ISOLATION": self.degree}

    def run(self, *words):
        """A program's status and its two outputs."""
        done = subprocess.run(words, capture_output=True, timeout=PATIENCE)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def worker(self, world, **env):
        return world.worker(**self.isolation(), **env)


class Unit:
    """The worker as contrib/outlayer-worker.service has systemd run it, as far as the checks know a kit.Daemon."""
    NAME = "outlayer-worker.service"
    UNITS = "/etc/systemd/system"

    def __init__(self, world, user, env):
        self.log = os.path.join(world.home, "worker.log")
        open(self.log, "w").close()
        settings = world.settings("worker", **env)
        del settings["TOOLCHAIN_DIR"]  # found beside the program
        os.makedirs("/etc/outlayer", exist_ok=True)
        with open("/etc/outlayer/worker.env", "w") as f:
            f.writelines(f"{k}={v}\n" for k, v in settings.items())
        shutil.copy(os.path.join(kit.ROOT, "contrib", self.NAME), self.UNITS)
        os.makedirs(f"{self.UNITS}/{self.NAME}.d", exist_ok=True)
        with open(f"{self.UNITS}/{self.NAME}.d/test.conf", "w") as f:
            f.write(f"[Unit]\nDefaultDependencies=no\n[Service]\nStandardError=append:{self.log}\nUser={user}\n")
        for name in os.listdir(os.path.join(kit.BUILD, "bin")):
            if not os.path.lexists(f"/usr/local/bin/{name}"):
                os.symlink(kit.program(name), f"/usr/local/bin/{name}")
        subprocess.run(["chown", "-R", user, world.home], check=True)
        self.systemctl("daemon-reload")
        self.systemctl("start", self.NAME)
        if not kit.until(lambda: "capabilities" in self.output(), PATIENCE):
            said = subprocess.run(["systemctl", "status", "--no-pager", self.NAME], capture_output=True, text=True,
                                  timeout=PATIENCE).stdout
            raise RuntimeError(f"the unit did not start: {said} {self.output()[-800:]}")

    def systemctl(self, *args):
        subprocess.run(["systemctl", *args], check=True, timeout=PATIENCE)

    def output(self):
        with open(self.log) as f:
            return f.read()

    def kill(self):
        self.systemctl("kill", "--signal=KILL", "--kill-whom=main", self.NAME)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.systemctl("stop", self.NAME)
        os.unlink(self.log)


class Service(Kind):
    """Under systemd: each program in a service of its own, whose control group is its own to divide."""

    def __init__(self, degree, words, user, ways):
        super().__init__(degree, words)
        self.user, self.ways, self.started = user, ways, 0

    def run(self, *words):
        out, err = os.path.join(PLACE, "state", "out"), os.path.join(PLACE, "state", "err")
        self.started += 1  # a new name: systemd reads what it does not know yet without being told
        name = f"once-{self.started}.service"
        with open(f"{Unit.UNITS}/{name}", "w") as f:
            f.write("[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nDelegate=yes\n"
                    f"User={self.user}\nStandardOutput=truncate:{out}\nStandardError=truncate:{err}\n")
            f.writelines(f'Environment="{k}={v}"\n' for k, v in os.environ.items())
            f.write(f"ExecStart={shlex.join(words)}\n")
        started = subprocess.run(["systemctl", "start", name], capture_output=True, timeout=PATIENCE)
        texts = []
        for path in (out, err):
            with open(path, errors="replace") as f:
                texts.append(f.read())
        return started.returncode, *texts

    def worker(self, world, **env):
        return Unit(world, self.user, {**self.isolation(), **env})


def run_guest(kind, target, text, seconds=30):
    guest = os.path.join(OWN, f"guest-{target}.wasm")
    rc, out, err = kind.run(kit.program("outlayer"), "run", guest, "--input", text, "--json", "--max-seconds",
                            str(seconds), *GUEST_LIMITS)
    lines = out.strip().splitlines()
    return (json.loads(lines[-1]) if lines else {}), (rc, out, err)


def check_runs(kind):
    for target in ("p1", "p2"):
        answer, seen = run_guest(kind, target, "hello")
        check(f"a {target} guest answers", answer.get("success") and answer["output"] == "you said hello", seen)
        if target == "p1":
            check("its instructions are counted", answer.get("instructions", 0) > 100, seen)
    for text, (end, words, seconds) in BAD.items():
        answer, seen = run_guest(kind, "p1", text, seconds)
        check(f"one that wants too much of it ends so: {text}", answer.get("end") == end
              and words in (answer.get("error") or ""), seen)


def process(*command):
    """The number of the process with this command line, or None."""
    wanted = b"".join(word.encode() + b"\0" for word in command)
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                if f.read() == wanted:
                    return int(entry)
        except OSError:
            pass  # it has ended
    return None


def own_groups(pid="self"):
    """{controllers: path} of a process."""
    with open(f"/proc/{pid}/cgroup") as f:
        return dict(line.rstrip("\n").split(":", 2)[1:] for line in f)


def groups_of(pid):
    """The folders of the control groups with limits that a process of a box is in."""
    found, ours = set(), own_groups()
    for controllers, path in own_groups(pid).items():
        top = "/sys/fs/cgroup" + ("/" + controllers if controllers else "/unified"
                                  if os.path.isdir("/sys/fs/cgroup/unified") else "")
        inside = path.removeprefix(ours[controllers]) if ours[controllers] != "/" else path  # a container's own is its top
        if re.search("/outlayer-[0-9a-f]{16}$", path):
            found |= {folder for folder in (top + path, top + inside) if os.path.isdir(folder)}
    return found


def example(world):
    """examples/random-c as a repository."""
    folder = os.path.join(kit.ROOT, "examples", "random-c")
    files = {}
    for name in ("Makefile", "main.c"):
        with open(os.path.join(folder, name)) as f:
            files[name] = f.read()
    return world.repo("random-c", files)


def hog(kind, world, how):
    """A repository whose build takes too much memory in one way before it makes a module."""
    folder = os.path.join(world.repos, "test", f"hog-{kind.degree}-{how}")
    os.makedirs(folder)
    shutil.copy(os.path.join(OWN, "hog"), folder)
    shutil.copy(os.path.join(OWN, "guest-p1.wasm"), os.path.join(folder, "module"))
    return world.repo(f"hog-{kind.degree}-{how}", {"Makefile": HOG_MAKEFILE % (how, kind.too_much)})


def check_example(world):
    _, tx, _ = world.request(example(world), '{"min":5,"max":7}')
    event, value = world.answer(tx, PATIENCE)
    try:
        number = json.loads(value)["random_number"]
    except (KeyError, TypeError, ValueError):
        number = None
    check("a build of examples/random-c answers", number in (5, 6, 7), (value, event))


def check_degree(kind, world, worker):
    said = re.search(f"isolation {kind.degree}[:,].*{kind.words}", worker.output())
    check(f"the worker says that it has {kind.degree}, and why", said, worker.output()[-900:])
    name = f"isolation-{kind.degree}"
    told = kit.until(lambda: any(name in beat["capabilities"] for beat in world.coordinator.workers.values()), PATIENCE)
    check(f"{name} is among its capabilities", told, world.coordinator.workers)


def check_refusal(kind, world):
    """Without the operator's word there is no worker with less than everything."""
    try:
        world.worker("refused", ISOLATION="full").stop()
        check("less than full is refused", False)
    except RuntimeError as e:
        words = ("cannot be isolated as ISOLATION=full says, missing: ",
                 f"what there is suffices for ISOLATION={kind.degree}")
        check("less than full is refused, with what is missing and how to allow it", all(w in str(e) for w in words), e)


def check_killed(kind, world):
    """A worker is killed in the middle of a build. Gives the request, and the folders of the groups that it leaves."""
    seconds = 100000 + os.getpid()
    with kind.worker(world) as worker:
        check_degree(kind, world, worker)
        check_example(world)
        id, _, _ = world.request(worker_world.c_repo(world, "slow", worker_world.ECHO, seconds=seconds), "never")
        pid = kit.until(lambda: process("sleep", str(seconds)), PATIENCE)
        left = groups_of(pid) if check("a build is under way", pid) else set()
        worker.kill()
    world.coordinator.leases.clear()
    return id, left


def check_too_much(kind, world, how):
    _, tx, _ = world.request(hog(kind, world, how))
    event, value = world.answer(tx, PATIENCE)
    check(f"{kind.too_much} MB by {how} are more than a build of {kind.limit} MB may have",
          value is None and event["failure"] == "build", (value, event))


def check_builds(kind, world):
    killed, left = check_killed(kind, world)
    with kind.worker(world, **kind.limits()):
        if kind.cgroups:
            check("a killed worker's groups were there", left)
            equal("the next one takes them away", [path for path in left if os.path.isdir(path)], [])
        for how in kind.ways:
            check_too_much(kind, world, how)
        failed = [(x["request_id"], x["reason"]) for x in world.coordinator.failed]
        equal("the next one gives back what the killed one held, and none of the rest is the platform's failure",
              failed, [(killed, "the worker that held it has ended, and has started anew")])


def check_hostile(kind, confinements):
    """Those who try to get out are held here as well; without their guards tests/hostile_test.py makes them succeed."""
    for inside in confinements:
        rc, out, err = kind.run(kit.built("hostile/hostile"), inside)
        lines = [line.split(" ", 3) for line in out.splitlines() if line.startswith(inside + " ")]
        check(f"attempts in a {inside} can be made", rc == 0 and len(lines) > 60, err[-600:])
        equal(f"attempts in a {inside} are held",
              [line for line in lines if line[2] not in ("held", "absent", "untried")], [])


def check_ordinary(world):
    """The same unit as an ordinary user's: one user for all, but its limits hold."""
    for file, rest in (("passwd", f"{place.USER}::/:/usr/sbin/nologin"), ("group", "")):
        with open(f"/etc/{file}", "a") as f:
            f.write(f"{ORDINARY.user}:x:{place.USER}:{rest}\n")
    with ORDINARY.worker(world, **ORDINARY.limits()) as worker:
        check_degree(ORDINARY, world, worker)
        for how in ORDINARY.ways:
            check_too_much(ORDINARY, world, how)


def check_no_builds(kind, world):
    with kind.worker(world) as worker:
        check_degree(kind, world, worker)
        _, tx, _ = world.request(example(world), '{"min":5,"max":7}')
        event, value = world.answer(tx, PATIENCE)
        check("a build is refused with what is missing", value is None and "isolat" in event["error_message"], event)
        check("it is not charged", event["payment_charged"] == "0", event)


OWN_USERS, GROUPS = "a user for each run, ", "cgroup v[12] [(]memory, processes"
KINDS = {
    "root": Kind("full", f"{OWN_USERS}namespaces, .*, {GROUPS}"),
    "user": Kind("user", " namespaces, .*, no cgroup", cgroups=False),
    "container": Kind("process", f"{OWN_USERS}.*; no isolation here for builds: ", cgroups=False),
    "open container": Kind("user", f"{OWN_USERS}namespaces, .*, no cgroup", cgroups=False),
    "privileged container": Kind("full", f"{OWN_USERS}namespaces, .*, {GROUPS}"),
    "systemd": Service("full", f"{OWN_USERS}namespaces, .*, cgroup v2 [(]memory, processes", "root", ("shm", "tmpfs")),
}
# Where kernel and surroundings are others than those in which tests/hostile_test.py tries everything.
HOSTILE = {"container": ("run", "call", "compile"), "systemd": ("build", "run")}
# The same unit with a line `User=`.
ORDINARY = Service("user", " namespaces, .*, cgroup v2 [(]memory, processes", "outlayer", ("malloc", "memfd"))


def test_machine():
    kind = KINDS[NAME]
    check_runs(kind)
    if NAME in HOSTILE:
        check_hostile(kind, HOSTILE[NAME])
    with kit.folder() as home:
        world = worker_world.World(home)
        if kind.degree != "full":
            check_refusal(kind, world)
        (check_builds if kind.builds else check_no_builds)(kind, world)
        if NAME == "systemd":
            check_ordinary(world)


if __name__ == "__main__":
    NAME = sys.argv.pop()
    kit.main(globals())
