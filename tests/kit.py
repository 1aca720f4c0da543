# SPDX-License-Identifier: Apache-2.0
"""What the black-box tests share: real daemons on free loopback ports with a home of their own, HTTP and JSON-RPC
calls, checks. Standard library only. A test file defines functions named test_… and ends with `kit.main(globals())`;
it prints `ok NAME`, `FAIL NAME detail` or `skip NAME why` lines and at last `N passed, N failed, N skipped`."""
import contextlib, json, os, select, shutil, signal, subprocess, sys, tempfile, time, traceback
import urllib.error, urllib.request

import described

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get("BUILD_DIR", os.path.join(ROOT, "build")))
START_SECONDS = 60
ANSWER_SECONDS = 60
STOP_SECONDS = 60
PATIENCE_SECONDS = 60  # what comes by itself has come long before, however busy the machine is
TEST_SECONDS = int(os.environ.get("TEST_SECONDS", "1800"))  # one test, which takes seconds or a few minutes
results = {"ok": 0, "FAIL": 0, "skip": 0}
running = []  # daemons to end whatever happens
coordinators = []  # where those of a test listen: each of their answers is compared with docs/openapi.json


class Skip(Exception):
    """Raised by a test that cannot run here; its text says what is missing."""


def report(kind, name, detail=""):
    results[kind] += 1
    print(f"{kind} {name}" + (f" {' '.join(str(detail).split())[:1500]}" if detail and kind != "ok" else ""), flush=True)


def check(name, condition, detail=""):
    """One checked fact. Returns whether it held, so that a test may go on or stop."""
    report("ok" if condition else "FAIL", name, detail)
    return bool(condition)


def equal(name, got, want):
    return check(name, got == want, f"got {got!r}, want {want!r}")


def program(name):
    path = os.path.join(BUILD, "bin", name)
    if not os.path.exists(path):
        raise Skip(f"{path} is not built")
    return path


def built(path):
    """A file below the build folder, such as contracts/asker.wasm."""
    full = os.path.join(BUILD, path)
    if not os.path.exists(full):
        full = os.path.join(ROOT, "build", path)
    if not os.path.exists(full):
        raise Skip(f"{full} is not built")
    return full


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="outlayer-test-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Overdue(BaseException):
    """Raised where a test hangs; nothing that a test expects to be raised."""


@contextlib.contextmanager
def limited(seconds):
    """What is inside is interrupted after so many seconds wherever it waits, and again if it then hangs in its cleanup."""
    def interrupt(*_):
        raise Overdue(f"the test has not ended within {seconds} s")
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, 60)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Daemon:
    """A started program that said `--ready-fd` that it serves. `ready` is its JSON line, `port` and `url` come from
    it, and `status_url`, where its operator asks. folder: of the program, if it is not the one that was built here."""

    def __init__(self, name, env=None, args=(), home=None, folder=None):
        self.name, self.home = name, home
        clean = {k: v for k, v in os.environ.items() if not k.startswith("OUTLAYER_") and k not in ("PORT", "HOST")}
        clean.update({"PORT": "0", "STATUS_LISTEN": "127.0.0.1:0", "DRAIN_SECONDS": "10",
                      "LOG_LEVEL": os.environ.get("LOG_LEVEL", "warn")}, **(env or {}))
        if home:
            clean["OUTLAYER_HOME"] = home
        self.log = tempfile.TemporaryFile()
        read_end, write_end = os.pipe()
        self.process = subprocess.Popen([os.path.join(folder, name) if folder else program(name), "--ready-fd",
                                         str(write_end), *args], env=clean,
                                        pass_fds=(write_end,), stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        os.close(write_end)
        running.append(self)
        self.ready = self._wait_ready(read_end)
        self.port = self.ready.get("port")
        self.url = f"http://127.0.0.1:{self.port}"
        self.status_url = f"http://127.0.0.1:{self.ready.get('status_port')}"
        if name == "outlayer-coordinator":
            coordinators.extend((self.url + "/", f"http://127.0.0.1:{self.ready.get('worker_port')}/"))

    def _wait_ready(self, fd):
        text, end = b"", time.monotonic() + START_SECONDS
        with os.fdopen(fd, "rb", buffering=0) as pipe:
            while not text.endswith(b"\n"):
                left = end - time.monotonic()
                if left <= 0 or not select.select([pipe], [], [], left)[0]:
                    self.kill()
                    raise RuntimeError(f"{self.name} did not start within {START_SECONDS} s: {self.output()[-800:]}")
                piece = pipe.read(4096)
                if not piece:
                    status = self.process.wait(STOP_SECONDS)
                    raise RuntimeError(f"{self.name} ended with status {status}: {self.output()[-800:]}")
                text += piece
        return json.loads(text)

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9: as a crash. Returns when the process is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self):
        """SIGTERM and its exit status; None when it did not end in time (then it is killed)."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def http(method, url, body=None, headers=None, timeout=None, redirects=True):
    """(status, headers, body bytes) whatever the status. timeout None: ANSWER_SECONDS."""
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None
    data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    opener = urllib.request.build_opener(*([] if redirects else [Stay]))
    try:
        with opener.open(request, timeout=timeout or ANSWER_SECONDS) as r:
            answer = r.status, r.headers, r.read()
    except urllib.error.HTTPError as e:
        answer = e.code, e.headers, e.read()
    if any(url.startswith(c) for c in coordinators) and (fault := described.fault(method, url, *answer)):
        report("FAIL", "an answer is as docs/openapi.json describes it", fault)
    return answer


def get(url, **more):
    return http("GET", url, **more)


def get_json(url, **more):
    status, _, body = get(url, **more)
    return status, json.loads(body)


def rpc(url, method, params, timeout=None):
    """The whole answer of a JSON-RPC call: {"result":…} or {"error":…}."""
    _, _, body = http("POST", url, {"jsonrpc": "2.0", "id": "test", "method": method, "params": params},
                      timeout=timeout)
    return json.loads(body)


def until(condition, seconds=PATIENCE_SECONDS, step=0.02):
    """Repeats a look at something that only polling can see; gives its first true value, or the last one."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def main(scope):
    wanted = sys.argv[1:]
    for name, test in list(scope.items()):
        if not name.startswith("test_") or (wanted and not any(w in name for w in wanted)):
            continue
        try:
            with limited(TEST_SECONDS):
                test()
        except Skip as why:
            report("skip", name, why)
        except (Exception, Overdue):
            report("FAIL", name, traceback.format_exc()[-1500:])
        finally:
            while running:
                running.pop().kill()
            coordinators.clear()
    print(f"{results['ok']} passed, {results['FAIL']} failed, {results['skip']} skipped")
    sys.exit(1 if results["FAIL"] else 0)
