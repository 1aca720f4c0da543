#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is the same on every kind of machine, run inside one: `inside.py KIND`. Started by machines_test.py alone."""
import json, os, re, shlex, shutil, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kit
import worker_test
from kit import check, equal

PLACE = os.path.dirname(kit.BUILD)
OWN = os.path.join(PLACE, "own")
PATIENCE = 300  # seconds until an answer: an emulated processor is slow
GUEST_LIMITS = ["--max-instructions", "100000000000", "--max-memory-mb", "32"]
# input: how the run ends, words of its sentence, and its seconds
BAD = {"memory": ("memory", "32 MB", 30), "spin": ("deadline", "2 seconds", 2), "flood": ("output", "output", 30)}
HOG_MAKEFILE = "app.wasm:\n\t./hog %s %d\n\tcp module $@\n"


class Kind:
    """A kind of machine: what it offers, and how programs are started on it."""

    def __init__(self, words, builds=True, cgroups=True):
        self.words = words  # of the sentence that says what is offered
        self.builds, self.cgroups = builds, cgroups
        # Memory of a build in MB, and what is too much. Without a group it is one of each process's addresses, of which
        # compilers want many.
        self.limit, self.too_much = (200, 480) if cgroups else (1200, 1500)

    def limits(self):
        return {"COMPILE_MEMORY_LIMIT_MB": str(self.limit), "COMPILE_DISK_LIMIT_MB": str(2 * self.too_much)}

    def run(self, *args, **env):
        done = subprocess.run([kit.program("outlayer"), *args], env={**os.environ, **env}, capture_output=True, timeout=PATIENCE)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def worker(self, world, **env):
        return world.worker(**env)


class Unit:
    """The worker as contrib/outlayer-worker.service has systemd run it, as far as the checks know a kit.Daemon."""
    NAME = "outlayer-worker.service"
    UNITS = "/etc/systemd/system"

    def __init__(self, world, user, env):
        self.log = os.path.join(world.home, "worker.log")
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
        if not kit.until(lambda: "capabilities" in self.output(), kit.START_SECONDS):
            raise RuntimeError(f"the unit did not start: {self.output()[-800:]}")

    def systemctl(self, *args):
        subprocess.run(["systemctl", *args], check=True, timeout=kit.START_SECONDS)

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

    def __init__(self, words, user):
        super().__init__(words)
        self.user, self.started = user, 0

    def run(self, *args, **env):
        out, err = os.path.join(PLACE, "state", "out"), os.path.join(PLACE, "state", "err")
        self.started += 1  # a new name: systemd reads what it does not know yet without being told
        name = f"once-{self.started}.service"
        with open(f"{Unit.UNITS}/{name}", "w") as f:
            f.write("[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nDelegate=yes\nOOMPolicy=continue\n"
                    f"User={self.user}\nStandardOutput=truncate:{out}\nStandardError=truncate:{err}\n")
            f.writelines(f'Environment="{k}={v}"\n' for k, v in {**os.environ, **env}.items())
            f.write(f"ExecStart={shlex.join([kit.program('outlayer'), *args])}\n")
        started = subprocess.run(["systemctl", "start", name], capture_output=True, timeout=PATIENCE)
        texts = []
        for path in (out, err):
            with open(path) as f:
                texts.append(f.read())
        return started.returncode, *texts

    def worker(self, world, **env):
        return Unit(world, self.user, env)


def run_guest(kind, target, text, seconds=30):
    rc, out, err = kind.run("run", os.path.join(OWN, f"guest-{target}.wasm"), "--input", text, "--json", "--max-seconds", str(seconds),
                            *GUEST_LIMITS)
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
        check(f"one that wants too much of it ends so: {text}", answer.get("end") == end and words in (answer.get("error") or ""), seen)


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


def groups_of(pid):
    """The folders of the control groups with limits that a process of a box is in."""
    found = set()
    with open(f"/proc/{pid}/cgroup") as f:
        for line in f:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            top = "/sys/fs/cgroup" + ("/" + controllers if controllers else "/unified" if os.path.isdir("/sys/fs/cgroup/unified") else "")
            if re.search("/outlayer-[0-9a-f]{16}$", path) and os.path.isdir(top + path):
                found.add(top + path)
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
    folder = os.path.join(world.repos, "test", f"hog-{how}")
    os.makedirs(folder)
    shutil.copy(os.path.join(OWN, "hog"), folder)
    shutil.copy(os.path.join(OWN, "guest-p1.wasm"), os.path.join(folder, "module"))
    return world.repo(f"hog-{how}", {"Makefile": HOG_MAKEFILE % (how, kind.too_much)})


def check_example(world):
    _, tx, _ = world.request(example(world), '{"min":5,"max":7}')
    event, value = world.answer(tx, PATIENCE)
    try:
        number = json.loads(value)["random_number"]
    except (KeyError, TypeError, ValueError):
        number = None
    check("a build of examples/random-c answers", number in (5, 6, 7), (value, event))


def check_killed(kind, world):
    """A worker is killed in the middle of a build. Gives the folders of the groups that it leaves."""
    seconds = 100000 + os.getpid()
    with kind.worker(world) as worker:
        check("the worker says what it offers", kind.words in worker.output(), worker.output()[-600:])
        check_example(world)
        world.request(worker_test.c_repo(world, "slow", worker_test.ECHO, seconds=seconds), "never")
        pid = kit.until(lambda: process("sleep", str(seconds)), PATIENCE)
        left = groups_of(pid) if check("a build is under way", pid) else set()
        worker.kill()
    world.coordinator.leases.clear()
    return left


def check_builds(kind, world):
    left = check_killed(kind, world)
    with kind.worker(world, **kind.limits()):
        if kind.cgroups:
            check("a killed worker's groups were there", left)
            equal("the next one takes them away", [path for path in left if os.path.isdir(path)], [])
        for how in ("malloc", "memfd", "shm", "tmpfs"):
            _, tx, _ = world.request(hog(kind, world, how))
            event, value = world.answer(tx, PATIENCE)
            check(f"{kind.too_much} MB by {how} are more than a build of {kind.limit} MB may have",
                  value is None and event["failure"] == "build", (value, event))
        equal("none of that was the platform's failure", world.coordinator.failed, [])


def check_hostile(kind):
    """Those who try to get out are held here as well; without their guards tests/hostile_test.py makes them succeed."""
    for place in ("run", "call", "compile"):
        done = subprocess.run([kit.built("hostile/hostile"), place], capture_output=True, timeout=PATIENCE, text=True, errors="replace")
        lines = [line.split(" ", 3) for line in done.stdout.splitlines() if line.startswith(place + " ")]
        check(f"attempts in a {place} can be made", done.returncode == 0 and len(lines) > 60, done.stderr[-600:])
        equal(f"attempts in a {place} are held", [line for line in lines if line[2] not in ("held", "untried")], [])


def check_no_builds(kind, world):
    with kind.worker(world) as worker:
        check("the worker says what it offers", kind.words in worker.output(), worker.output()[-600:])
        _, tx, _ = world.request(example(world), '{"min":5,"max":7}')
        event, value = world.answer(tx, PATIENCE)
        check("a build is refused with what is missing", value is None and "isolat" in event["error_message"], event)
        check("it is not charged", event["payment_charged"] == "0", event)


KINDS = {
    "root": Kind("memory by cgroup"),
    "user": Kind("no cgroup for memory", cgroups=False),
    "container": Kind("builds are refused", builds=False, cgroups=False),
    "systemd": Service("memory by cgroup", "root"),
}


def test_machine():
    kind = KINDS[NAME]
    check_runs(kind)
    if not kind.builds:
        check_hostile(kind)
    with kit.folder() as home:
        world = worker_test.World(home)
        (check_builds if kind.builds else check_no_builds)(kind, world)


if __name__ == "__main__":
    NAME = sys.argv.pop()
    kit.main(globals())
