# SPDX-License-Identifier: Apache-2.0
"""A small Internet without a way out, of three network namespaces: a worker, a router, and a server with public
addresses that answers names, HTTP, HTTPS and more. Held by processes that end with the test, so nothing is left. Needs
root.

  worker 93.184.100.2/24 --- router 93.184.100.1, a neighbour 93.184.100.9
                             router 93.184.216.1 --- server 93.184.216.34, .53 (names), and 10.9.0.5 (a private network)
"""
import contextlib, json, os, select, subprocess, sys, tempfile
import kit

SERVER, NAMES, NEIGHBOUR, WORKER, PRIVATE = "93.184.216.34", "93.184.216.53", "93.184.100.9", "93.184.100.2", "10.9.0.5"
TABLE = {"api.test": [SERVER], "other.test": [SERVER], "two.test": ["93.184.216.35", SERVER], "near.test": [NEIGHBOUR],
         "own.test": [WORKER], "meta.test": ["169.254.169.254"], "azure.test": ["168.63.129.16"], "lan.test": [PRIVATE],
         "mixed.test": [PRIVATE, "127.0.0.1", SERVER]}


class Namespace:
    """A process that holds a network and a mount namespace; `run` and `start` work inside."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "-m", "--propagation", "private", "sh", "-c",
                                        "echo; exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)  # ends with us
        if not self.holder.stdout.readline():
            raise kit.Skip("no network namespaces here")
        self.run("ip link set lo up")

    def prefix(self):
        return ["nsenter", "-t", str(self.holder.pid), "-n", "-m", "--"]

    def run(self, command):
        subprocess.run([*self.prefix(), "sh", "-ec", command], check=True)

    def call(self, *argv, **more):
        return subprocess.run([*self.prefix(), *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE,
                              text=True, **more)

    def start(self, *argv, **more):
        return subprocess.Popen([*self.prefix(), *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                **more)

    def end(self):
        self.holder.kill()
        self.holder.wait()


def link(a, a_name, a_address, b, b_name, b_address):
    a.run(f"ip link add {a_name} type veth peer name {b_name} netns {b.holder.pid}; ip addr add {a_address} dev {a_name}; ip link set {a_name} up")
    b.run(f"ip addr add {b_address} dev {b_name}; ip link set {b_name} up")


def certificate(folder, name):
    """An authority of its own and a key and certificate for api.test and other.test by it: (authority, key and
    certificate)."""
    def openssl(*argv):
        subprocess.run(["openssl", *argv], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl("req", "-x509", *new, "-subj", f"/CN={name} authority", "-keyout", f"{name}-ca.key", "-out",
            f"{name}-ca.pem",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *new, "-subj", "/CN=api.test", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    with open(os.path.join(folder, "ext"), "w") as f:
        f.write(f"subjectAltName=DNS:api.test,DNS:other.test,IP:{SERVER}\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{name}-ca.pem", "-CAkey", f"{name}-ca.key",
            "-CAcreateserial", "-days", "2",
            "-extfile", "ext", "-out", f"{name}.pem")
    with open(os.path.join(folder, f"{name}-both.pem"), "w") as out:
        for part in (f"{name}.key", f"{name}.pem"):
            with open(os.path.join(folder, part)) as f:
                out.write(f.read())
    return os.path.join(folder, f"{name}-ca.pem"), os.path.join(folder, f"{name}-both.pem")


class World:
    def __init__(self, folder):
        self.folder, self.worker, self.router, self.server = folder, Namespace(), Namespace(), Namespace()
        self.processes = []
        w, r, s = self.worker, self.router, self.server
        link(w, "up0", f"{WORKER}/24", r, "down0", "93.184.100.1/24")
        link(r, "out0", "93.184.216.1/24", s, "in0", f"{SERVER}/24")
        r.run(f"echo 1 > /proc/sys/net/ipv4/ip_forward; ip addr add {NEIGHBOUR}/24 dev down0; ip route add 10.9.0.0/24 via {SERVER}")
        s.run(f"ip addr add {NAMES}/24 dev in0; ip addr add 93.184.216.35/24 dev in0; ip addr add {PRIVATE}/24 dev in0; "
              "ip route add default via 93.184.216.1")
        w.run("ip route add default via 93.184.100.1")
        self.resolver(f"nameserver {NAMES}\n")
        self.ca, own = certificate(folder, "own")
        self.other_ca, other = certificate(folder, "other")
        self.serve(s, "--names", NAMES, "--http", f"{SERVER}:80", f"{SERVER}:25", f"{SERVER}:22", f"{PRIVATE}:80",
                   f"{PRIVATE}:8080",
                   "--https", f"{SERVER}:443={own}", f"{SERVER}:8443={other}")
        self.serve(r, "--http", f"{NEIGHBOUR}:80")
        self.serve(w, "--http", f"{WORKER}:80", "127.0.0.1:8080")

    def alone(self):
        """What keeps this world apart: interfaces made here and nothing else, and a router that knows no way
        further."""
        links = json.loads(self.router.call("ip", "-j", "link").stdout)
        routes = json.loads(self.router.call("ip", "-j", "route").stdout)
        return ({x["ifname"] for x in links if x.get("link_type") == "ether"} == {"down0", "out0"}
                and not any(x["dst"] == "default" for x in routes))

    def resolver(self, text, linked=False):
        """/etc/resolv.conf of the worker; linked: as with systemd-resolved, a link to a file below /run."""
        etc = tempfile.mkdtemp(dir=self.folder)
        os.chmod(etc, 0o755)
        self.worker.run(f"cp -a /etc/. {etc}/; rm -f {etc}/resolv.conf; mount --bind {etc} /etc")
        path = "/etc/resolv.conf"
        if linked:
            self.worker.run("mount -t tmpfs none /run; mkdir -p /run/systemd/resolve; "
                            "ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf")
            path = "/run/systemd/resolve/stub-resolv.conf"
        self.worker.run(f"printf '{text}' > {path}; chmod 644 {path}")

    def serve(self, where, *argv):
        p = where.start(sys.executable, os.path.join(kit.ROOT, "tests", "netns_server.py"), *argv)
        self.processes.append(p)
        if not select.select([p.stdout], [], [], 20)[0] or not p.stdout.readline():
            raise RuntimeError(f"no server: {argv}")

    def end(self):
        for p in self.processes:
            p.kill()
            p.wait()
        for n in (self.worker, self.router, self.server):
            n.end()


@contextlib.contextmanager
def world():
    if os.geteuid() != 0:
        raise kit.Skip("network namespaces are made as root")
    with kit.folder() as folder:
        os.chmod(folder, 0o755)
        w = World(folder)
        try:
            if not w.alone():
                raise RuntimeError("this world has a way out")
            yield w
        finally:
            w.end()
