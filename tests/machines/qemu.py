# SPDX-License-Identifier: Apache-2.0
"""A whole machine with systemd and cgroup v2: Debian's cloud kernel (scripts/kernel.sh) under qemu's own processor
emulation. Its root is this machine's, shared read-only by virtiofs under an overlay in its memory, with units of ours
in place of those in /etc/systemd/system. No network, no disk; what it says comes by serial lines into files."""
import glob, os, re, subprocess

import kit
from machines import place

MEMORY_MB = 3072
MODULES = ("virtio_pci", "virtiofs", "overlay")
INIT = """#!/bin/busybox sh
# The machine's first program: makes the root of what it finds and hands over to systemd.
b=/bin/busybox
$b mkdir -p /proc /dev /lower /upper /new
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
for m in MODULES; do $b insmod /modules/$m.ko || $b poweroff -f; done
$b mount -t virtiofs -o ro root /lower || $b poweroff -f
$b mount -t tmpfs -o mode=755 tmpfs /upper
$b mkdir /upper/files /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /new
# systemd takes a machine with one of these for a container.
$b rm -f /new/.dockerenv /new/run/.containerenv
$b mount -t tmpfs -o mode=755 tmpfs /new/etc/systemd/system
$b mount -t tmpfs tmpfs /new/STATE
$b cp /units/* /new/etc/systemd/system/
$b mount --move /proc /new/proc
$b mount --move /dev /new/dev
exec $b switch_root /new /lib/systemd/systemd
"""
TARGET = """[Unit]
Description=checks of OutLayer
DefaultDependencies=no
Requires=checks.service
"""
CHECKS = """[Unit]
DefaultDependencies=no
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS1
ENVIRONMENT
ExecStart=COMMAND
"""


def entry(name, mode, data=b"", number=[0]):
    """One file of an archive in cpio's `newc` form, the kernel's for its first root."""
    number[0] += 1
    text = name.encode() + b"\0"
    head = "070701" + "".join("%08X" % v for v in (number[0], mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(text), 0))
    out = head.encode() + text
    out += b"\0" * (-len(out) % 4) + data
    return out + b"\0" * (-len(out) % 4)


def module_files(kernel):
    """(name, path) of the modules that are needed, each after those that it needs itself."""
    paths = {os.path.basename(p)[:-3].replace("-", "_"): p
             for p in glob.glob(f"{kernel}/lib/modules/*/kernel/**/*.ko", recursive=True)}
    order = []

    def take(name):
        if name in order or name not in paths:
            return  # what is not there is built in
        with open(paths[name], "rb") as f:
            needs = re.search(rb"\0depends=([^\0]*)\0", b"\0" + f.read())
        for other in filter(None, needs[1].decode().split(",")):
            take(other.replace("-", "_"))
        order.append(name)

    for name in MODULES:
        take(name)
    return [(name, paths[name]) for name in order]


def read(path):
    with open(path, "rb") as f:
        return f.read()


def first_root(where, kernel, units):
    modules = module_files(kernel)
    init = INIT.replace("MODULES", " ".join(name for name, _ in modules)).replace("/STATE", where.state)
    out = b"".join(entry(d, 0o40755) for d in ("bin", "modules", "units")) + entry("init", 0o100755, init.encode())
    out += entry("bin/busybox", 0o100755, read("/bin/busybox"))
    out += b"".join(entry(f"modules/{name}.ko", 0o100644, read(path)) for name, path in modules)
    out += b"".join(entry(f"units/{name}", 0o100644, text.encode()) for name, text in units.items())
    path = os.path.join(where.path, "initrd")
    with open(path, "wb") as f:
        f.write(out + entry("TRAILER!!!", 0))
    return path


def units_of(where, kind):
    environment = "\n".join(f'Environment="{k}={v}"' for k, v in where.environment().items())
    checks = CHECKS.replace("ENVIRONMENT", environment).replace("COMMAND", " ".join(where.inside(kind)))
    return {"checks.target": TARGET, "checks.service": checks}


def share_root(where):
    """Starts the file server of the machine's root."""
    root, socket = os.path.join(where.path, "root"), os.path.join(where.path, "virtiofs.socket")
    os.makedirs(root, exist_ok=True)
    command = ["/usr/lib/qemu/virtiofsd", f"--socket-path={socket}", "-o", f"source={root}", "-o", "cache=always"]
    log = open(os.path.join(where.path, "virtiofs.log"), "wb")
    server = subprocess.Popen(where.mounted(command, root, f'mount --bind / "{root}"'), stdout=log, stderr=log,
                              stdin=subprocess.DEVNULL)
    if not kit.until(lambda: os.path.exists(socket) or server.poll() is not None, 20) or server.poll() is not None:
        server.kill()
        raise RuntimeError(f"virtiofsd did not start: {read(log.name)[-800:]}")
    return server, socket


def run(where, kind):
    kernel = kit.built("kernel")
    initrd = first_root(where, kernel, units_of(where, kind))
    server, socket = share_root(where)
    console, results = os.path.join(where.path, "console"), os.path.join(where.path, "results")
    try:
        _, err, status = place.run([
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-machine", "pc", "-cpu", "Nehalem", "-smp", "2", "-m",
                                    str(MEMORY_MB),
            "-nodefaults", "-nographic", "-no-reboot", "-nic", "none",
            "-object", f"memory-backend-memfd,id=memory,size={MEMORY_MB}M,share=on", "-numa", "node,memdev=memory",
            "-chardev", f"socket,id=root,path={socket}", "-device", "vhost-user-fs-pci,chardev=root,tag=root",
            "-kernel", glob.glob(f"{kernel}/boot/vmlinuz-*")[0], "-initrd", initrd, "-append",
            "console=ttyS0 panic=-1 quiet mitigations=off systemd.unit=checks.target systemd.show_status=0 systemd.log_color=0",
            "-serial", f"file:{console}", "-serial", f"file:{results}"])
    finally:
        server.kill()
        server.wait()
    return read(results).decode(errors="replace"), read(console).decode(errors="replace")[-2000:] + err, status
