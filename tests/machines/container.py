# SPDX-License-Identifier: Apache-2.0
"""A container as docker makes one by default, by Debian's runc: root with fourteen capabilities, no new namespaces by
the filter (the one of golang-github-containers-common, less what docker's own keeps for those with CAP_SYS_ADMIN), a
network namespace with nothing but loopback. Its root is this machine's, read-only."""
import json, os, re, subprocess

from machines import place

FILTER = "/usr/share/containers/seccomp.json"
CAPABILITIES = ["CAP_" + c for c in ("CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP "
                                     "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE").split()]
# Docker's list allows these only to a container that has been given CAP_SYS_ADMIN.
ADMINISTRATION = set("bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount "
                     "name_to_handle_at open_tree perf_event_open pivot_root quotactl quotactl_fd setdomainname sethostname setns "
                     "syslog umount umount2 unshare".split())
NEW_NAMESPACES = 0x7E020000  # the CLONE_NEW… flags
NOSYS = 38
MASKED = ("/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
          "/proc/timer_stats",
          "/proc/sched_debug", "/proc/scsi", "/sys/firmware")
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def applies(rule):
    """Whether the profile means this rule for our capabilities, on this processor."""
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    if not set(includes.get("caps", [])) <= set(CAPABILITIES) or set(excludes.get("caps", [])) & set(CAPABILITIES):
        return False
    return (not includes.get("arches") or "amd64" in includes["arches"]) and "amd64" not in excludes.get("arches", [])


def system_calls():
    """The profile in the form that runc reads."""
    with open(FILTER) as f:
        profile = json.load(f)
    rules = []
    for rule in filter(applies, profile["syscalls"]):
        names = [n for n in rule["names"] if n not in ADMINISTRATION]
        if names:
            more = {"errnoRet": rule["errnoRet"]} if rule.get("errnoRet") is not None else {}
            arguments = {"args": rule["args"]} if rule.get("args") else {}
            rules.append({"names": names, "action": rule["action"], **more, **arguments})
    rules.append({"names": ["clone"], "action": "SCMP_ACT_ALLOW",
                  "args": [{"index": 0, "value": NEW_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]})
    rules.append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": NOSYS})
    return {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "syscalls": rules,
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]}


def mount(target, kind, source=None, *options):
    return {"destination": target, "type": kind, "source": source or kind, "options": list(options)}


def configuration(where, kind, change):
    mounts = [
        mount("/proc", "proc", None, "nosuid", "noexec", "nodev"),
        mount("/dev", "tmpfs", None, "nosuid", "strictatime", "mode=755", "size=65536k"),
        mount("/dev/pts", "devpts", None, "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
        mount("/dev/mqueue", "mqueue", None, "nosuid", "noexec", "nodev"),
        mount("/sys", "sysfs", None, "nosuid", "noexec", "nodev", "ro"),
        mount("/sys/fs/cgroup", "cgroup", None, "nosuid", "noexec", "nodev", "ro"),
        mount(where.state, "tmpfs", None, "nosuid", "nodev", "mode=755"),
        *(mount(target, "none", source, "bind", "ro") for source, target in where.binds)]
    out = {
        "ociVersion": "1.0.2", "hostname": "container", "mounts": mounts,
        "root": {"path": os.path.join(where.path, "root"), "readonly": True},
        "process": {"user": {"uid": 0, "gid": 0}, "cwd": where.state, "args": where.inside(kind),
                    "noNewPrivileges": True,
                    "env": [f"{k}={v}" for k, v in where.environment().items()],
                    "capabilities": {s: CAPABILITIES for s in ("bounding", "effective", "permitted")}},
        "linux": {"namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount")],
                  "seccomp": system_calls(),
                  "resources": {"devices": [{"allow": False, "access": "rwm"}]}, "maskedPaths": MASKED,
                  "readonlyPaths": READ_ONLY,
                  "cgroupsPath": "/" + os.path.basename(where.path)},
    }
    change(out)
    return out


def open_up(configuration):
    """`--security-opt seccomp=unconfined --security-opt systempaths=unconfined`."""
    for key in ("seccomp", "maskedPaths", "readonlyPaths"):
        del configuration["linux"][key]


def privileged(configuration):
    """`--privileged`."""
    open_up(configuration)
    process = configuration["process"]
    process["noNewPrivileges"] = False
    process["capabilities"] = {s: every_capability() for s in ("bounding", "effective", "permitted")}
    configuration["linux"]["resources"]["devices"] = [{"allow": True, "access": "rwm"}]
    for m in configuration["mounts"]:
        if m["destination"] in ("/sys", "/sys/fs/cgroup"):
            m["options"] = [o for o in m["options"] if o != "ro"]


def every_capability():
    """Those that this machine has."""
    with open("/usr/include/linux/capability.h") as f:
        names = re.findall(r"^#define (CAP_[A-Z_]+)\s+(\d+)$", f.read(), re.M)
    with open("/proc/self/status") as f:
        ours = int(re.search(r"^CapBnd:\s+(\w+)$", f.read(), re.M)[1], 16)
    return [name for name, number in names if ours >> int(number) & 1]


def run(where, kind, change=lambda configuration: None):
    root, bundle, name = os.path.join(where.path, "root"), os.path.join(where.path,
                                                                        "bundle"), os.path.basename(where.path)
    for folder in (root, bundle):
        os.makedirs(folder, exist_ok=True)
    with open(os.path.join(bundle, "config.json"), "w") as f:
        json.dump(configuration(where, kind, change), f, indent=1)
    state = ["runc", "--root", os.path.join(where.path, "runc")]
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
               'mount --bind / "$1" && shift && exec "$@"', "sh", root,
               *state, "run", "--bundle", bundle, name]
    try:
        return place.run(command)
    finally:
        subprocess.run([*state, "delete", "--force", name], capture_output=True, timeout=30)
