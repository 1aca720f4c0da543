#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Guests reach the world, and nothing else: real components (the plain crate `wasi`, wasi-http-client, waki, C) run as
a worker runs them, in a small Internet of network namespaces that has no way out (netns.py)."""
import contextlib, json, os, signal, subprocess
import guests_of, kit, netns
from kit import check, equal
from netns import PRIVATE, SERVER, WORKER

OUTLAYER = kit.program("outlayer")
ECHO = "hosts=['{}'] path=/echo tls={}"


class Runner:
    """`outlayer run` in the worker's namespace."""

    def __init__(self, world, **settings):
        self.world, self.settings = world, settings
        self.env = {**os.environ, "HOME": world.folder}

    def result(self, guest, text, **settings):
        options = [f"--{k.replace('_', '-')}={v}" for k, v in {**self.settings, **settings}.items()]
        done = self.world.worker.call(OUTLAYER, "run", guests_of.component(guest), "--input", text, "--json", *options,
                                      env=self.env,
                                      timeout=120)
        return json.loads(done.stdout) if done.stdout else {"output": None, "refused": done.stderr}

    def __call__(self, text, guest="http_wasi", **settings):
        r = self.result(guest, text, **settings)
        return (r.get("output") or r.get("error") or r["refused"]).strip()


def test_reached():
    with netns.world() as w:
        run = Runner(w, egress_ca_file=w.ca)
        equal("an address", run(f"get http://{SERVER}/echo").split("body=")[-1], ECHO.format(SERVER, False))
        equal("a name", run("get http://api.test/echo").split("body=")[-1], ECHO.format("api.test", False))
        equal("TLS", run("get https://api.test/echo").split("body=")[-1], ECHO.format("api.test", True))
        equal("TLS to an address", run(f"get https://{SERVER}/echo").split("body=")[-1], ECHO.format(SERVER, True))
        equal("the Host header is made once, whatever the guest says",
              run("header=Host:evil.example header=host:api.test get https://api.test:443/echo").split("body=")[-1],
              ECHO.format("api.test:443", True))
        equal("a redirect, from http to TLS", run("follow get http://other.test/redirect").split("body=")[-1],
              ECHO.format("api.test", True))
        check("megabytes down", run("get https://api.test/big/5000000").startswith("status=200 len=5000000 "))
        equal("megabytes up", run("post https://api.test/sink 5000000").split("body=")[-1], "took 5000000")
        check("chunked", run("get http://api.test/chunked/300/0").startswith("status=200 len=300000 "))
        check("a slow head", run("get http://api.test/slow/3").endswith("body=at last"))
        check("a slow body", run("get http://api.test/chunked/4/0.7").startswith("status=200 len=4000 "))
        check("until the guest's own deadline",
              "ran longer than its 2 seconds" in run("get http://api.test/slow/20", max_seconds=2))
        equal("the second address where the first does not answer", run("get http://two.test/echo").split("body=")[-1],
              ECHO.format("two.test", False))
        equal("the first that is public", run("get http://mixed.test/echo").split("body=")[-1],
              ECHO.format("mixed.test", False))
        check("a port from 1,024 on, and another authority",
              run("get https://api.test:8443/echo", egress_ca_file=w.other_ca).startswith("status=200"))


def test_refused():
    with netns.world() as w:
        run = Runner(w, egress_ca_file=w.ca)
        prohibited = "error=ErrorCode::DestinationIpProhibited"
        for what, url in (("a neighbour", "near.test"), ("a neighbour by its number", netns.NEIGHBOUR),
                          ("this machine", "own.test"),
                          ("this machine by its number", WORKER), ("loopback", "127.0.0.1:8080"),
                          ("a private network", "lan.test"),
                          ("a cloud's metadata", "meta.test"), ("a cloud's public metadata", "azure.test"),
                          ("IPv6 loopback", "[::1]"),
                          ("IPv4 inside IPv6", "[::ffff:127.0.0.1]:8080"), ("a number in disguise", "0x7f.1:8080")):
            equal(what, run(f"get http://{url}/"), prohibited)
        for port in (22, 25):
            equal(f"port {port}", run(f"get http://{SERVER}:{port}/"), "error=ErrorCode::HttpRequestDenied")
        equal("what a setting opens", run(f"get http://{SERVER}:25/echo", egress_ports="25").split("body=")[-1],
              ECHO.format(f"{SERVER}:25", False))
        check("and closes", run("get http://api.test/", egress_ports="25") == "error=ErrorCode::HttpRequestDenied")
        check("an unknown name", 'DnsError(DnsErrorPayload { rcode: Some("NXDOMAIN")' in run("get http://nobody.test/"))
        check("a name whose servers do not say", 'rcode: Some("SERVFAIL")' in run("get http://broken.test/"))
        equal("a name whose servers are silent", run("connect_ms=1500 get http://silent.test/"),
              "error=ErrorCode::DnsTimeout")
        equal("nobody there", run(f"get http://{SERVER}:9999/"), "error=ErrorCode::ConnectionRefused")
        equal("another authority", run("get https://api.test:8443/"), "error=ErrorCode::TlsCertificateError")
        equal("no authority of ours", run("get https://api.test/", egress_ca_file="/etc/ssl/certs/ca-certificates.crt"),
              "error=ErrorCode::TlsCertificateError")
        equal("another name", run("get https://two.test/"), "error=ErrorCode::TlsCertificateError")
        equal("no TLS there", run(f"get https://{SERVER}:80/"), "error=ErrorCode::TlsProtocolError")
        said = run("get http://api.test/broken")
        check("a body that breaks off", said.startswith("status=200 broken=") and "error reading a body" in said, said)
        equal("headers without end", run("get http://api.test/headers/90/5000"),
              "error=ErrorCode::HttpResponseHeaderSectionSize(None)")
        equal("first byte", run("first_ms=500 get http://api.test/slow/5"), "error=ErrorCode::ConnectionReadTimeout")
        said = run("between_ms=500 get http://api.test/chunked/9/2")
        check("between bytes", said.startswith("status=200 broken=") and "timeout" in said, said)


def test_exceptions():
    with netns.world() as w:
        run = Runner(w)
        reached = lambda where, allow: run(f"get http://{where}/echo", egress_allow=allow).split("body=")[-1]
        equal("a name", reached("lan.test", "lan.test:80"), ECHO.format("lan.test", False))
        equal("a range", reached(f"{PRIVATE}:8080", "10.9.0.0/16:8080"), ECHO.format(f"{PRIVATE}:8080", False))
        equal("this machine, where it says so", reached("127.0.0.1:8080", "127.0.0.1:8080"),
              ECHO.format("127.0.0.1:8080", False))
        equal("not at another port", reached(f"{PRIVATE}:80", "10.9.0.0/16:8080"),
              "error=ErrorCode::DestinationIpProhibited")
        equal("a range does not open metadata", reached("meta.test", "169.254.0.0/16:80"),
              "error=ErrorCode::DestinationIpProhibited")
        check("what cannot be read is refused with a sentence",
              "EGRESS_ALLOW: '10.9.0.0/16' is no host and port" in run("get http://x/", egress_allow="10.9.0.0/16"))


def test_libraries():
    """The crates that people use, and C."""
    with netns.world() as w:
        run = Runner(w, egress_ca_file=w.ca)
        for guest in ("http_client", "http_waki"):
            check(f"{guest}: TLS", ECHO.format("api.test", True) in run("https://api.test/echo", guest),
                  run("https://api.test/echo", guest))
            check(f"{guest}: a body", "took 4" in run("https://api.test/sink four", guest))
            check(f"{guest}: an unknown name", "error=" in run("http://nobody.test/", guest)
                  and "Dns" in run("http://nobody.test/", guest))
            check(f"{guest}: a refused address", "DestinationIpProhibited" in run("http://own.test/", guest))
        r = run.result("http_client", "https://api.test/sink " + "x" * 5000)
        check("a write of more than 4,096 bytes is told as the rule that it breaks", r.get("output")
              or "4096" in r["error"], r)
        ask = lambda url: json.dumps({"url": url, "path": "near.usd"})
        for guest in ("price-c", "price-rust"):
            equal(guest, run(ask("https://api.test/price"), guest), "4.56")
            for url, why in (("http://own.test/", "destination-IP-prohibited"), ("http://nobody.test/", "DNS-error"),
                             ("https://api.test:8443/", "TLS-certificate-error"),
                             (f"http://{SERVER}:9999/", "connection-refused")):
                said = run(ask(url), guest)
                check(f"{guest}: {why}", url in said and why.replace("-", "").lower() in said.replace("-", "").lower(),
                      said)
            check(f"{guest}: a number that is not there", "no number there: near.eur" in
                  run(json.dumps({"url": "https://api.test/price", "path": "near.eur"}), guest))


def test_resolvers():
    with netns.world() as w:
        run = Runner(w)
        w.serve(w.worker, "--names", "127.0.0.53")
        w.resolver("nameserver 127.0.0.53\\noptions edns0 trust-ad\\n", linked=True)
        equal("a stub below /run", run("get http://api.test/echo").split("body=")[-1], ECHO.format("api.test", False))
        w.worker.run("echo '93.184.216.34 hosts.test' >> /etc/hosts")
        equal("a file of names", run("get http://hosts.test/echo").split("body=")[-1], ECHO.format("hosts.test", False))
        w.serve(w.worker, "--names", "127.0.0.54", "--root", "5")
        w.resolver("nameserver 127.0.0.54\\nsearch test\\n")
        equal("a name is whole: no search domain is put behind it",
              'rcode: Some("NXDOMAIN")' in run("get http://api/echo"), True)
        check("a resolver that tells nobody of the root is one",
              'rcode: Some("SERVFAIL")' in run("get http://broken.test/"), run("get http://broken.test/"))


def test_limits():
    """What a guest makes the engine keep has caps that are the guest's to meet, not the worker's."""
    with netns.world() as w:
        run = Runner(w)
        equal("connections at once", run("many http://api.test/echo 40"), "ok=16 refused=24")
        for what, text, says in (("fields", "fields 2000 20000", "resource table"),
                                 ("a large field", "fields 1 120000", "size of fields"),
                                 ("resources", "requests 100000", "resource table")):
            r = run.result("http_wasi", text)
            check(what, r["end"] == "trap" and says in r["error"] and r["instructions"] > 0, r)


def test_broker_dies():
    """Whom it left without an answer is run once more: what the guest then met was not its own affair. Nobody else is:
    what a guest did in the world would be done twice."""
    with netns.world() as w:
        def killed_during(text):
            run = w.worker.start(OUTLAYER, "run", guests_of.component("http_wasi"), "--json", "--input", text,
                                 env={**os.environ, "HOME": w.folder}, stderr=subprocess.PIPE)

            def connected():
                return SERVER in w.worker.call("ss", "-Htn", "state", "established").stdout
            check("a request is under way", kit.until(connected), run.poll())
            children = [int(p) for t in os.listdir(f"/proc/{run.pid}/task")
                        for p in open(f"/proc/{run.pid}/task/{t}/children").read().split()]
            brokers = [p for p in children if "broker" in open(f"/proc/{p}/cmdline").read()]
            equal("one broker", len(brokers), 1)
            os.kill(brokers[0], signal.SIGKILL)
            out, err = run.communicate(timeout=120)
            return json.loads(out), err
        r, err = killed_during("get http://api.test/slow/3 get http://api.test/echo")
        check("run once more", "tried once more" in err, err)
        check("and answered", r["output"].count("status=200") == 2 and "error=" not in r["output"], r)
        r, err = killed_during("get http://api.test/slow/3")
        check("who had all answers is not run twice", "tried once more" not in err
              and r["output"].count("status=200") == 1, (r, err))


def test_without_network():
    """A worker that has no network itself, or no resolver: its own trouble, and no end of the guest's."""
    with netns.world() as w:
        run = Runner(w, egress_allow="127.0.0.1:8080")
        w.worker.run("ip route del default")
        for url in ("http://api.test/", f"http://{SERVER}/"):
            r = run.result("http_wasi", f"get {url}")
            check(f"no network: {url}", "this worker has no network" in r.get("refused", ""), r)
        equal("what needs none goes on", run("get http://127.0.0.1:8080/echo").split("body=")[-1],
              ECHO.format("127.0.0.1:8080", False))
        w.worker.run("ip route add default via 93.184.100.1")
        w.resolver("nameserver 93.184.216.99\\noptions timeout:1 attempts:1\\n")
        r = run.result("http_wasi", "get http://api.test/")
        check("no resolver", "this worker's resolver does not answer" in r.get("refused", ""), r)
        check("an address needs none", run(f"get http://{SERVER}/echo").startswith("status=200"))


@contextlib.contextmanager
def stack(world, *options):
    """`outlayer up` in the worker's namespace: what asks it, and its log."""
    home = os.path.join(world.folder, f"home{len(os.listdir(world.folder))}")
    os.mkdir(home)
    env = {**os.environ, "OUTLAYER_HOME": home, "HOME": world.folder}
    up = world.worker.start(OUTLAYER, "up", "--json", "--block-ms", "100", *options, env=env, stderr=subprocess.DEVNULL)
    try:
        if not up.stdout.readline():
            raise RuntimeError("outlayer up did not start")

        def request(url):
            done = world.worker.call(OUTLAYER, "request", "--repo", os.path.join(kit.ROOT, "examples", "price-c"),
                                     "--target",
                                     "wasm32-wasip2", "--json", "--input", json.dumps({"url": url, "path": "near.usd"}),
                                     env=env, timeout=120)
            return json.loads(done.stdout)

        def log(name):
            with open(os.path.join(home, "log", f"{name}.log")) as f:
                return f.read()
        yield request, log
    finally:
        up.terminate()
        up.wait()


def test_whole_worker():
    """A contract's request for a price, from the repository to the chain."""
    with netns.world() as w, stack(w, "--egress-ca-file", w.ca) as (request, log):
        r = request("https://api.test/price")
        equal("answered", (r.get("success"), str(r.get("output"))), (True, "4.56"))
        r = request("http://own.test/price")
        check("refused, and the guest's to pay", not r["success"] and "destination-IP-prohibited" in r["error"]
              and r["charged"] != "0", r)
        check("a worker with a network says nothing of it", "has no network" not in log("worker"), log("worker")[-600:])


def test_whole_worker_without_network():
    with netns.world() as w:
        w.worker.run("ip route del default")
        with stack(w) as (request, log):
            check("said at its start", "this worker has no network" in log("worker"), log("worker")[-600:])
            r = request("https://api.test/price")
            equal("nobody's to pay", (r["success"], r["charged"]), (False, "0"))
            check("and told", "no network" in r["error"], r)


if __name__ == "__main__":
    kit.main(globals())
