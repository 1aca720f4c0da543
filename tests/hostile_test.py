#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that run inside each confinement and try to get out (tests/hostile/attempt.h): builds, fetches, runs of core
modules and of components, compilations. For every attempt in every confinement:
  held      the programs as they are released hold it off;
  broke     with the guards that it names switched off (FLAVOUR=unguarded) it succeeds, so that the line above could fail;
  alone     where it names several, each of them holds it off without the others.
What no switch can take away (the attempt says why) is only tried as `held`, and counted apart at the end."""
import collections, concurrent.futures, contextlib, os, shutil, subprocess
import kit

PLACES = ("build", "fetch")
SECONDS = 120
USER = 54321  # an ordinary one, whom nobody else is
attempts = collections.OrderedDict()  # (place, name): (guards, what else holds)


def hostile(place, names=(), off=None, user=None):
    """{name: (outcome, why)} of attempts in one confinement; off: guards to switch off, None: the released programs;
    user: (folder with copies of the programs, its number)."""
    folder = os.path.join(user[0] if user else kit.BUILD, *([] if off is None else ["unguarded"]), "hostile")
    env = {k: v for k, v in os.environ.items() if not k.startswith("OUTLAYER_")}
    env.update(LOG_LEVEL="error", **({"OUTLAYER_UNGUARDED": ",".join(off)} if off else {}))
    become = ["setpriv", f"--reuid={user[1]}", f"--regid={user[1]}", "--clear-groups"] if user else []
    r = subprocess.run([*become, os.path.join(folder, "hostile"), place, *names], env=env, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=SECONDS, text=True, errors="replace")
    lines = [l.split(" ", 3) for l in r.stdout.splitlines() if l.startswith(place + " ")]
    if r.returncode:
        raise RuntimeError(f"{place} without {off}: status {r.returncode}: {r.stderr[-600:]}")
    return {l[1]: (l[2], l[3] if len(l) > 3 else "") for l in lines}


def read_list():
    text = subprocess.run([os.path.join(kit.BUILD, "hostile", "hostile"), "list"], capture_output=True, text=True,
                          check=True).stdout
    for place, name, guards, kernel in (line.split("\t") for line in text.splitlines()):
        if place in PLACES:
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
            what = f"{'as an ordinary user, ' if user else ''}{place} {name} {want}"
            if outcome == "absent":  # a kernel without this part: nothing to prove
                print(f"apart {what}: outside, too: {why}")
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
    expect(groups((p, n, [x for x in g if x != one]) for (p, n), (g, _) in attempts.items() if len(g) > 1 for one in g),
           "held")


@contextlib.contextmanager
def copies():
    """The programs where every user can start them."""
    with kit.folder() as folder:
        os.chmod(folder, 0o755)
        for flavour in ("", "unguarded"):
            for part in ("bin", "hostile"):
                os.makedirs(os.path.join(folder, flavour, part))
            for name in ("hostile/hostile", "hostile/attack", "hostile/escaped", "bin/outlayer-sandbox"):
                shutil.copy(os.path.join(kit.BUILD, flavour, name), os.path.join(folder, flavour, name))
        yield folder


def test_ordinary_user():
    """Without root there is no user of one's own and often no cgroup: then a process has limits of its own instead."""
    if os.geteuid() != 0:
        raise kit.Skip("this is one already")
    def guards(g):
        return [*g, "rlimits", "filter"] if {"cgroup_memory", "ipcns"} & set(g) else g
    with copies() as folder:
        user = (folder, USER)
        expect([(p, [n for q, n in attempts if q == p], None) for p in PLACES], "held", user)
        expect(groups((p, n, guards(g)) for (p, n), (g, _) in attempts.items() if g), "broke", user)


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
