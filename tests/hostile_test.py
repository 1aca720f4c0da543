#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that run inside each confinement and try to get out (tests/hostile/attempt.h): builds, fetches, runs of core
modules and of components, compilations; as root, as an ordinary user, and as one without namespaces. For every attempt
in every confinement:
  held      the programs as they are released hold it off;
  broke     with the guards that it names switched off (FLAVOUR=unguarded) it succeeds, so that the line above could fail;
  alone     where it names several, each of them holds it off without the others.
What no switch can take away (the attempt says why) is only tried as `held`, and counted apart at the end."""
import collections, concurrent.futures, contextlib, os, platform, re, shutil, subprocess
import kit

BOXES, EXECUTORS = ("build", "fetch"), ("run", "call", "compile")
PLACES = BOXES + EXECUTORS
ALONE = ("build", "run")  # the others have the same guards
SECONDS = 120
KERNELS_OWN = {"335", "336", "uretprobe", "uprobe"}  # newer kernels answer these before they look at any list
USER = 54321  # an ordinary one, whom nobody else is
DEGREES = {"full": "", "user": "as an ordinary user, ", "process": "without namespaces, "}
attempts = collections.OrderedDict()  # (place, name): (guards, what else holds)


def command(place, names, unguarded, user):
    """The words that start the attempts; user: (folder with copies of the programs, "user" or "process"), None: we."""
    folder = os.path.join(user[0] if user else kit.BUILD, *(["unguarded"] if unguarded else []), "hostile")
    words = [os.path.join(folder, "hostile"), place, *names]
    if not user:
        return words
    become = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    if user[1] == "user":
        return [*become, *words]
    # In a user namespace of its own in which there may be no further one, and without rights over it.
    none = 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps=-all --inh-caps=-all "$@"'
    own = ["unshare", "--user", f"--map-user={USER}", f"--map-group={USER}", "--keep-caps"]
    return [*become, *own, "sh", "-ec", none, "sh", *words]


def hostile(place, names=(), off=None, user=None):
    """{name: (outcome, why)} of attempts in one confinement; off: guards to switch off, None: the released programs."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OUTLAYER_")}
    env.update(LOG_LEVEL="error", **({"OUTLAYER_UNGUARDED": ",".join(off)} if off else {}))
    r = subprocess.run(command(place, names, off is not None, user), env=env, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=SECONDS, text=True, errors="replace")
    lines = [l.split(" ", 3) for l in r.stdout.splitlines() if l.startswith(place + " ")]
    if r.returncode:
        raise RuntimeError(f"{place} without {off}: status {r.returncode}: {r.stderr[-600:]}")
    return {l[1]: (l[2], l[3] if len(l) > 3 else "") for l in lines}


def read_list():
    text = subprocess.run([os.path.join(kit.BUILD, "hostile", "hostile"), "list"], capture_output=True, text=True,
                          check=True).stdout
    for place, name, guards, kernel in (line.split("\t") for line in text.splitlines()):
        attempts[place, name] = ([g for g in guards.split(",") if g], kernel)


def together(jobs, user):
    """Runs (place, names, off) jobs, two at a time; yields each with its findings."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield from zip(jobs, pool.map(lambda j: hostile(*j, user), jobs))


def groups(sets):
    """Jobs of the attempts that want the same guards off: sets yields (place, name, off)."""
    found = collections.OrderedDict()
    for place, name, off in sets:
        found.setdefault((place, tuple(off)), []).append(name)
    return [(place, names, off) for (place, off), names in found.items()]


def expect(jobs, want, user=None):
    for (place, names, off), findings in together(jobs, user):
        for name in names:
            outcome, why = findings.get(name, ("lost", "it has no line"))
            what = f"{DEGREES[user[1] if user else 'full']}{place} {name} {want}"
            if outcome == "absent":  # a part that this kernel has not, or what namespaces hold in any case
                kit.check(f"{what} or held outside, too", want == "held" or off, why)
            elif outcome != "untried":
                kit.check(f"{what} without {','.join(off)}" if off else what, outcome == want, f"{outcome}: {why}")
            elif user:  # what an ordinary user cannot have is said by the programs, and tried as root
                print(f"apart {what}: {why}")
            else:
                kit.report("skip", what, why)


def test_held():
    expect([(p, [n for q, n in attempts if q == p], None) for p in PLACES], "held")


def test_broke():
    expect(groups((p, n, g) for (p, n), (g, _) in attempts.items() if g), "broke")


def test_alone():
    expect(groups((p, n, [x for x in g if x != one]) for (p, n), (g, _) in attempts.items() if p in ALONE and len(g) > 1
                  for one in g),
           "held")


@contextlib.contextmanager
def copies():
    """The programs where every user can start them."""
    with kit.folder() as folder:
        os.chmod(folder, 0o755)
        for flavour in ("", "unguarded"):
            for part in ("bin", "hostile"):
                os.makedirs(os.path.join(folder, flavour, part))
            for name in ("hostile/hostile", "hostile/attack", "hostile/escaped", "bin/outlayer-sandbox",
                         "bin/outlayer-broker"):
                shutil.copy(os.path.join(kit.BUILD, flavour, name), os.path.join(folder, flavour, name))
        yield folder


def as_somebody(user, places, broken):
    """Without root there is no user of one's own and often no cgroup: then a process has limits of its own instead."""
    def guards(g):
        return [*g, "rlimits", "filter"] if {"cgroup_memory", "ipcns"} & set(g) else g
    expect([(p, [n for q, n in attempts if q == p], None) for p in places], "held", user)
    expect(groups((p, n, guards(g)) for (p, n), (g, _) in attempts.items() if g and p in broken), "broke", user)


def test_other_degrees():
    if os.geteuid() != 0:
        raise kit.Skip("only root can become somebody else")
    with copies() as folder:
        as_somebody((folder, "user"), PLACES, ALONE)
        nobody = (folder, "process")
        as_somebody(nobody, EXECUTORS, ("run",))
        r = subprocess.run(command("build", (), False, nobody), capture_output=True, text=True,
                           stdin=subprocess.DEVNULL)
        kit.check("without namespaces nothing is built", r.returncode and "no isolation here" in r.stderr, r.stderr)
        kit.check("and what would allow it is named",
                  "sysctl -w user.max_user_namespaces=10000 allows them" in r.stderr, r.stderr)


def test_calls():
    """What docs/security.md says about system calls is what there is."""
    if platform.machine() != "x86_64":
        raise kit.Skip("the page lists those of x86-64")
    with open(os.path.join(kit.ROOT, "docs", "security.md")) as f:
        text = f.read()
    for place, words in (("run", "A run may call"), ("compile", "A compilation may call")):
        listed = set(re.findall(r"`(\w+)`", re.search(words + r".*?(?:\n\n|$)", text, re.S)[0]))
        r = subprocess.run(command(place, ("calls",), False, None), capture_output=True, text=True, check=True,
                           stdin=subprocess.DEVNULL)
        found = {l.split(" ")[2] for l in r.stdout.splitlines() if l.startswith(place + " call ")} - KERNELS_OWN
        kit.equal(f"{place}: system calls that come back", sorted(found), sorted(listed))


def test_guards():
    """Every guard that there is, is one that an attempt shows."""
    with open(os.path.join(kit.ROOT, "src", "sandbox", "guards.h")) as f:
        there = re.findall(r'^    X\(\w+, "(\w+)"', f.read(), re.M)
    named = {one for g, _ in attempts.values() for one in g}
    kit.check("guards were found", len(there) > 10, there)
    for one in there:
        kit.check(f"guard {one} is proven", one in named, "no attempt names it")


def test_sum():
    """For some there is nothing to switch off: said once, with the reason."""
    apart = [(p, n, k) for (p, n), (g, k) in attempts.items() if not g]
    reasons = collections.Counter(k for _, _, k in apart)
    for reason, count in reasons.items():
        print(f"apart {count}: {reason}")
    kit.check("each attempt without a switch says what holds it", all(k for _, _, k in apart))


if __name__ == "__main__":
    read_list()
    kit.main(globals())
