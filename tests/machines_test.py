#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The programs on four kinds of machine: as root, as an ordinary user, in a container as docker makes one (and in two
with more rights), and as services of systemd with cgroup v2. Each runs machines/inside.py, whose lines are told here
under the kind's name. MACHINES="root,container" does these alone."""
import os, re, threading

import kit
from machines import container, place, qemu

LINE = re.compile(r"^(ok|FAIL|skip) (.*?)\r?$", re.M)


def as_root(where, kind):
    return place.run(where.mounted(where.inside(kind)), env=where.environment())


def as_user(where, kind):
    os.chown(where.state, place.USER, place.USER)
    become = ["setpriv", f"--reuid={place.USER}", f"--regid={place.USER}", "--clear-groups", "--inh-caps=-all",
              "--bounding-set=-all"]
    return place.run(where.mounted([*become, *where.inside(kind)]), env=where.environment())


KINDS = {
    "root": as_root, "user": as_user, "container": container.run,
    "open container": lambda where, kind: container.run(where, kind, container.open_up),
    "privileged container": lambda where, kind: container.run(where, kind, container.privileged),
    "systemd": qemu.run,
}


def tell(kind, out, more, status):
    """Its lines as ours, and a failure where it did not come to its end."""
    for result, text in LINE.findall(out):
        kit.report(result, f"{kind}: {text}")
    whole = re.search(r"^\d+ passed, \d+ failed, \d+ skipped", out, re.M)
    kit.check(f"{kind}: it came to its end", whole, f"status {status}: {out[-1500:]} {more[-1500:]}")


class Machine(threading.Thread):
    def __init__(self, kind):
        super().__init__()
        self.kind, self.outcome = kind, None
        self.start()

    def run(self):
        with kit.folder() as folder:
            try:
                self.outcome = KINDS[self.kind](place.Place(folder), self.kind)
            except Exception as e:
                self.outcome = "", repr(e), None

    def tell(self):
        self.join()
        tell(self.kind, *self.outcome)


def test_machines():
    """The slow one beside the others."""
    if os.geteuid() != 0:
        raise kit.Skip("only root can make these machines: mount namespaces, containers, other users")
    wanted = os.environ.get("MACHINES", ",".join(KINDS)).split(",")
    slow = Machine("systemd") if "systemd" in wanted else None
    for kind in wanted:
        if kind != "systemd":
            Machine(kind).tell()
    if slow:
        slow.tell()


if __name__ == "__main__":
    kit.main(globals())
