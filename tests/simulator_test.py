#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-dstack-simulator: @phala/dstack-sdk 0.5.8, unmodified from npm, drives it; its faults; the collateral it serves."""
import hashlib, json, os, shutil, socket, subprocess, threading, time, urllib.parse

import kit
from kit import check, equal
from near_api_js_test import JS, installed, node

SDK = os.path.join(JS, "dstack")
EVENT = 0x08000001


class Simulator(kit.Daemon):
    def __init__(self, home, **env):
        super().__init__("outlayer-dstack-simulator", env, home=home)
        self.socket = self.ready["socket"]

    def tell(self, **control):
        """Changes what it does, from the next request on."""
        path = os.path.join(self.home, "control.json")
        with open(path + ".new", "w") as f:
            json.dump(control, f)
        os.rename(path + ".new", path)

    def ask(self, method, body=None, timeout=120):
        """(status, headers in small letters, body) of a call on the Unix socket, read to the connection's end."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(self.socket)
            data = b"" if body is None else json.dumps(body).encode()
            verb = "GET" if body is None else "POST"
            s.sendall(f"{verb} {method} HTTP/1.1\r\nHost: dstack\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
            answer = b""
            while piece := s.recv(65536):
                answer += piece
        head, _, rest = answer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        return int(lines[0].split()[1]), dict(h.lower().split(": ", 1) for h in lines[1:]), rest

    def sdk(self, what):
        if not shutil.which("npm"):
            raise kit.Skip("npm is not installed")
        path = shutil.copy(os.path.join(SDK, "sdk.mjs"), installed(SDK))
        done = subprocess.run([node(), path, self.socket, what], capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-800:])
        return json.loads(done.stdout)


def registers(quote):
    body = bytes.fromhex(quote)
    return [body[376 + 48 * i:424 + 48 * i].hex() for i in range(4)]


def report_data(quote):
    return bytes.fromhex(quote)[568:632].hex()


def test_sdk():
    with kit.folder() as home, Simulator(home) as sim:
        got = sim.sdk("current")
        equal("the SDK reaches it", got["reachable"], True)
        equal("its version is the one it plays", got["version"]["version"], "0.5.8")
        equal("a quote carries what was asked for", report_data(got["quote"]), b"what the caller says".hex().ljust(128, "0"))
        equal("and says so", got["report_data"], report_data(got["quote"]))
        equal("the log leads to the quote's registers", got["rtmrs"], registers(got["quote"]))
        equal("which are those it told at its start", got["rtmrs"], [sim.ready[f"rtmr{i}"] for i in range(4)])
        equal("Info shows the same", got["info"]["tcb_info"]["rtmr3"], sim.ready["rtmr3"])
        compose = got["info"]["tcb_info"]["app_compose"]
        equal("the compose hash is the file's", got["info"]["compose_hash"], hashlib.sha256(compose.encode()).hexdigest())
        body = bytes.fromhex(got["quote"])
        aggregated = hashlib.sha256(body[184:232] + body[376:568] + body[232:376]).hexdigest()
        equal("mr_aggregated is of all registers", (got["info"]["mr_aggregated"], got["info"]["tcb_info"]["mr_aggregated"]),
              (aggregated, aggregated))
        equal("a purpose does not change a key", got["key"], got["other_purpose"])
        check("a path does", got["key"] != got["other_path"])
        check("the key's chain is signed by the application's key and the key service", len(got["app"]) == len(got["kms"]) == 66)
        equal("ed25519 signatures are right", got["edwards_valid"], True)
        equal("secp256k1 signatures are right", got["koblitz_valid"], True)
        equal("Verify tells right from wrong", (got["verified"], got["verified_other"]), (True, False))
        check("a key for TLS is PKCS #8 and has a chain of two", got["tls"]["key"].startswith("-----BEGIN PRIVATE KEY-----")
              and len(got["tls"]["chain"]) == 2 and got["tls"]["length"] > 100)
        with open(os.path.join(home, "leaf.pem"), "w") as f:
            f.write(got["tls"]["chain"][0])
        with open(os.path.join(home, "ca.pem"), "w") as f:
            f.write(got["tls"]["chain"][1])
        shown = subprocess.run(["openssl", "verify", "-CAfile", f"{home}/ca.pem", "-verify_hostname", "b.example", f"{home}/leaf.pem"],
                               capture_output=True, text=True)
        check("OpenSSL takes the certificate for its names", shown.returncode == 0, shown.stderr)
    with kit.folder() as home, Simulator(home) as again:
        equal("the same seed gives the same key service", again.sdk("current")["kms"], got["kms"])


def test_events():
    """RTMR3 grows with each event, in the version that has them; the log's digests are of the events."""
    with kit.folder() as home, Simulator(home) as sim:
        got = sim.sdk("events")
        check("RTMR3 is another one", got["rtmrs"][3] != sim.ready["rtmr3"])
        equal("the log leads to it", got["rtmrs"], registers(got["quote"]))
        digest = hashlib.sha384(EVENT.to_bytes(4, "little") + b":an-event:its payload").hexdigest()
        equal("the event's digest is V1's", (got["last"]["event"], got["last"]["digest"]), ("an-event", digest))
        status, _, body = sim.ask("/EmitEvent", {"event": "", "payload": ""})
        equal("an event without a name is refused", (status, b"name" in body), (400, True))
    with kit.folder() as home, Simulator(home, DSTACK_VERSION="0.6.0") as sim:
        equal("next has no EmitEvent", sim.ask("/EmitEvent", {"event": "x", "payload": ""})[0], 404)
        last = json.loads(json.loads(sim.ask("/GetQuote", {"report_data": ""})[2])["event_log"])[-1]
        equal("its log has V2's digests with what they are of",
              (last["version"], hashlib.sha384(bytes.fromhex(last["preimage"])).hexdigest()), (2, last["digest"]))
        equal("in canonical JSON", bytes.fromhex(last["preimage"]), b'{"name":"system-ready","payload":"","type":134217729}')
        check("MRCONFIGID begins with 3", sim.ready["mr_config_id"].startswith("03"))


def test_older():
    with kit.folder() as home:
        tappd = os.path.join(home, "tappd.sock")
        with Simulator(home, DSTACK_VERSION="0.3.6", TAPPD_SOCKET=tappd) as sim:
            check("it is served at tappd's path, too", os.path.exists(tappd))
            got = sim.sdk("older")
            want = hashlib.sha512(b"app-data:test content").hexdigest()
            equal("tappd hashes with its tag", report_data(got["quote"]), want)
            equal("raw is taken as it is", report_data(got["raw"]), b"12".hex().rjust(128, "0"))
            equal("the log leads to the registers", got["rtmrs"], registers(got["quote"]))
            equal("a derived key is the same again, and has a chain", (got["same"], got["chain"]), (True, 2))
            equal("0.3 has no /GetQuote", sim.ask("/GetQuote?report_data=00")[0], 404)
            equal("and no MRCONFIGID", sim.ready["mr_config_id"], "00" * 48)
        check("its sockets go with it", not os.path.exists(tappd) and not os.path.exists(sim.socket))


def test_requests():
    with kit.folder() as home, Simulator(home) as sim:
        status, headers, body = sim.ask("/GetQuote?report_data=0102")
        answer = json.loads(body)
        equal("GET with a query works", (status, report_data(answer["quote"])), (200, "0102".ljust(128, "0")))
        check("the answer is ASCII with its length, and the last of its connection", body.isascii() and headers["connection"] == "close"
              and int(headers["content-length"]) == len(body), headers)
        for what, method, data, want in (("65 bytes", "/GetQuote", {"report_data": "00" * 65}, 400), ("no hex", "/GetQuote", {"report_data": "zz"}, 400),
                                         ("a number", "/GetQuote", {"report_data": 1}, 400), ("a list", "/Info", [], 400),
                                         ("an unknown method", "/GetAll", {}, 404), ("an unknown algorithm", "/GetKey", {"algorithm": "rsa"}, 400)):
            status, _, body = sim.ask(method, data)
            equal(f"{what} is refused with a text", (status, bool(json.loads(body)["error"])), (want, True))
    with kit.folder() as home:
        run = subprocess.run([kit.program("outlayer-dstack-simulator")], env={**os.environ, "OUTLAYER_HOME": home, "OUTLAYER_NETWORK": "testnet"},
                             capture_output=True, text=True, timeout=120)
        check("it is for devnets alone", run.returncode == 1 and "a simulator proves nothing there" in run.stderr, run.stderr)


def test_faults():
    with kit.folder() as home, Simulator(home) as sim:
        sim.tell(quote="busy")
        check("busy, as the kernel says it", "Device or resource busy" in sim.sdk("fault")["error"])
        sim.tell(quote="error")
        equal("an error is 500 with a text", sim.ask("/GetQuote", {"report_data": ""})[0], 500)
        sim.tell(quote="garbage")
        check("garbage is no JSON", "parse" in sim.sdk("fault")["error"])
        sim.tell(quote="half")
        status, headers, body = sim.ask("/GetQuote", {"report_data": ""})
        check("half an answer ends early", status == 200 and 0 < len(body) < int(headers["content-length"]), headers)
        sim.tell(quote="oversize")
        check("too much is a megabyte", len(sim.ask("/GetQuote", {"report_data": ""})[2]) > 1 << 20)
        sim.tell(quote="lying")
        quote = json.loads(sim.ask("/GetQuote", {"report_data": "07"})[2])["quote"]
        check("a lie is a quote of other report data", report_data(quote) != "07".ljust(128, "0") and report_data(quote).startswith("07"))
        sim.tell(quote="silent")
        try:
            sim.ask("/GetQuote", {"report_data": ""}, timeout=0.5)
            check("silence is no answer", False)
        except TimeoutError:
            check("silence is no answer", True)
        equal("while the rest answers", sim.ask("/Info", {})[0], 200)
        sim.tell(quote="of another kind")
        status, _, body = sim.ask("/Info", {})
        check("a control file that is wrong is told", status == 500 and b"there is no fault" in body, body)
        sim.tell(quote_ms=5000)
        started, statuses = time.monotonic(), []
        first = threading.Thread(target=lambda: statuses.append(sim.ask("/GetQuote", {"report_data": ""})[0]))
        first.start()
        statuses.append(sim.ask("/GetQuote", {"report_data": ""})[0])
        first.join()
        equal("of two quotes at once one is refused as busy", sorted(statuses), [200, 500])
        check("and the other took its time", time.monotonic() - started >= 5)
        sim.tell(quote_ms=60000)
        last = threading.Thread(target=lambda: sim.ask("/GetQuote", {"report_data": ""}))
        last.start()
        time.sleep(0.1)
        started = time.monotonic()
        equal("it ends though a quote is under way", sim.stop(), 0)
        check("before it is made", time.monotonic() - started < 50)
        last.join()


def pcs(sim, path, **more):
    return kit.get(sim.url + path, **more)


def test_collateral_is_served():
    with kit.folder() as home, Simulator(home) as sim:
        with open(os.path.join(home, "collateral.json")) as f:
            members = json.load(f)
        status, headers, body = pcs(sim, f"/tdx/certification/v4/tcb?fmspc={sim.ready['fmspc']}")
        equal("TCB info is served as it was signed", (status, members["tcb_info"].encode() in body), (200, True))
        equal("with its signature", json.loads(body)["signature"], members["tcb_info_signature"])
        equal("and its chain in the header", urllib.parse.unquote(headers["TCB-Info-Issuer-Chain"]), members["tcb_info_issuer_chain"])
        _, headers, body = pcs(sim, "/tdx/certification/v4/qe/identity")
        check("so is the QE identity", members["qe_identity"].encode() in body and headers["SGX-Enclave-Identity-Issuer-Chain"])
        _, headers, body = pcs(sim, "/sgx/certification/v4/pckcrl?ca=platform&encoding=der")
        equal("the PCK list is DER", body.hex(), members["pck_crl"])
        equal("with its chain", urllib.parse.unquote(headers["SGX-PCK-CRL-Issuer-Chain"]), members["pck_crl_issuer_chain"])
        check("or PEM", pcs(sim, "/sgx/certification/v4/pckcrl?ca=processor")[2].startswith(b"-----BEGIN X509 CRL-----"))
        equal("a cache's root list is hexadecimal", pcs(sim, "/sgx/certification/v4/rootcacrl")[2].decode(), members["root_ca_crl"])
        equal("Intel's is DER", pcs(sim, "/IntelSGXRootCA.der")[2].hex(), members["root_ca_crl"])
        tcb = f"/tdx/certification/v4/tcb?fmspc={sim.ready['fmspc']}"
        number = lambda path: json.loads(pcs(sim, path)[2])["tcbInfo"]["tcbEvaluationDataNumber"]
        equal("the standard set is 17", number(tcb), 17)
        equal("the early one is 18", number(tcb + "&update=early"), 18)
        equal("an older one is asked for by its number", number(tcb + "&tcbEvaluationDataNumber=16"), 16)
        equal("a retired one is gone", pcs(sim, tcb + "&tcbEvaluationDataNumber=9")[0], 410)
        equal("one of the future is not there", pcs(sim, tcb + "&tcbEvaluationDataNumber=30")[0], 404)
        equal("another platform is unknown", pcs(sim, "/tdx/certification/v4/tcb?fmspc=000000000000")[0], 404)
        numbers = json.loads(pcs(sim, "/tdx/certification/v4/tcbevaluationdatanumbers")[2])["tcbEvaluationDataNumbers"]["tcbEvalNumbers"]
        equal("the list of sets begins with the early one", [n["tcbEvaluationDataNumber"] for n in numbers], [18, 17, 16, 15])
        for fault, status in {"503": 503, "429": 429, "410": 410, "404": 404}.items():
            sim.tell(pcs=fault)
            equal(f"told so, it answers {status}", pcs(sim, tcb)[0], status)
        sim.tell(pcs="stale")
        check("stale collateral ended before today", json.loads(pcs(sim, tcb)[2])["tcbInfo"]["nextUpdate"] < time.strftime("%Y-%m-%d"))
        sim.tell(pcs="lying")
        body = json.loads(pcs(sim, tcb)[2])
        check("a lie has another signature", body["signature"] != members["tcb_info_signature"])
        sim.tell(tcb={"status": "OutOfDate", "advisories": "OUTLAYER-SA-1", "evaluation": 20})
        level = json.loads(pcs(sim, tcb)[2])["tcbInfo"]["tcbLevels"][0]
        equal("a level's status is what it was told", (level["tcbStatus"], level["advisoryIDs"]), ("OutOfDate", ["OUTLAYER-SA-1"]))
        sim.tell(crl="hex", tcb={"revoked": True})
        revoked = pcs(sim, "/sgx/certification/v4/pckcrl?ca=platform&encoding=der")[2].decode()
        check("a revoked platform makes the list longer", len(revoked) > len(members["pck_crl"]))


def verdict(sim, quote, *args, root=True):
    """Exit status and answer of `outlayer verify-quote` about a quote of the simulator, its collateral fetched from there."""
    path = os.path.join(sim.home, "quote.hex")
    with open(path, "w") as f:
        f.write(quote)
    known = ["--root", sim.ready["root_key"]] if root else []
    done = subprocess.run([kit.program("outlayer"), "verify-quote", path, "--pccs-url", sim.url, "--json", *known, *args],
                          env={**os.environ, "OUTLAYER_HOME": sim.home}, capture_output=True, text=True, timeout=120)
    return done.returncode, json.loads(done.stdout)


def test_quotes_are_verified():
    """What it signs is accepted under its root and by collateral from its own service, and under no other root."""
    for form in ("v4", "v5", "v5-1.5"):
        with kit.folder() as home, Simulator(home, QUOTE_FORMAT=form) as sim:
            quote = json.loads(sim.ask("/GetQuote", {"report_data": "07"})[2])["quote"]
            status, got = verdict(sim, quote)
            equal(f"a quote of {form} is accepted", (status, got["status"]), (0, "UpToDate"))
            equal("under Intel's root it is false", verdict(sim, quote, root=False)[0], 1)
    with kit.folder() as home, Simulator(home, AT="1790000000") as sim:
        quote = json.loads(sim.ask("/GetQuote", {"report_data": "07"})[2])["quote"]
        equal("collateral of another date is good at that date", verdict(sim, quote, "--at", "1790000000")[0], 0)
        equal("and can be checked at no other", verdict(sim, quote, "--at", "1850000000")[0], 3)
    with kit.folder() as home, Simulator(home) as sim:
        quote = json.loads(sim.ask("/GetQuote", {"report_data": "07"})[2])["quote"]
        sim.tell(tcb={"status": "OutOfDate", "advisories": "OUTLAYER-SA-1"})
        status, got = verdict(sim, quote)
        equal("a platform that is out of date is refused", (status, got["status"], got["advisory_ids"]),
              (1, "OutOfDate", ["OUTLAYER-SA-1"]))
        sim.tell(tcb={"revoked": True})
        status, got = verdict(sim, quote)
        equal("a revoked one is false", (status, got["error"]["code"]), (1, "CERT_REVOKED"))
        sim.tell(tcb={"early_status": "OutOfDate"})
        equal("one that only the early set minds is accepted", verdict(sim, quote)[0], 0)
        tcb = f"/tdx/certification/v4/tcb?fmspc={sim.ready['fmspc']}&update=early"
        level = json.loads(pcs(sim, tcb)[2])["tcbInfo"]["tcbLevels"][0]
        equal("though that set says so", level["tcbStatus"], "OutOfDate")
        for fault in ("stale", "lying", "503", "half", "garbage"):
            sim.tell(pcs=fault)
            equal(f"with a service that is {fault} it cannot be checked", verdict(sim, quote)[0], 3)


if __name__ == "__main__":
    kit.main(globals())
