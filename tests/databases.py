# SPDX-License-Identifier: Apache-2.0
"""Servers of a test's own, of PostgreSQL and of Redis: on free ports, in a temporary folder, as an ordinary user
(PostgreSQL refuses to run as root), gone with the test.

    python3 tests/databases.py postgres     starts one, prints its URL, and ends it when its standard input ends
    python3 tests/databases.py redis        likewise
    python3 tests/databases.py with COMMAND…   the same around a command, which finds the URL in TEST_POSTGRES
    python3 tests/databases.py durable COMMAND…   likewise, and what it commits is on the disk: for what is measured
    python3 tests/databases.py both COMMAND…   as durable, and a server of Redis beside it, which is found in TEST_REDIS

Each caller makes databases of its own in the server."""
import contextlib, glob, os, pwd, re, secrets, shutil, signal, socket, subprocess, sys, tempfile, time, urllib.parse

START_SECONDS = 60
STOP_SECONDS = 20
USER = "nobody"  # whom a server runs as where the test is root


def ordinary():
    """How subprocess starts something as an ordinary user."""
    if os.geteuid() != 0:
        return {}
    who = pwd.getpwnam(USER)
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def postgres_programs():
    """The folder with initdb and postgres of the newest version that is here."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    path = max(found, key=lambda p: int(re.search(r"/(\d+)/", p)[1])) if found else shutil.which("initdb")
    if not path:
        raise RuntimeError("PostgreSQL is not installed: scripts/setup.sh test")
    return os.path.dirname(os.path.realpath(path))


class Postgres:
    """A server. `url` goes through a socket that only its user and root reach, `tcp` through loopback with a password.
    durable: what is committed survives a loss of power; where a test is not about that, it only takes time."""

    def __init__(self, durable=False, settings=None):
        self.programs, self.process = postgres_programs(), None
        self.folder = tempfile.mkdtemp(prefix="outlayer-pg-", dir="/tmp")  # a socket's path is short
        self.data, self.password = os.path.join(self.folder, "data"), secrets.token_hex(8)
        os.chmod(self.folder, 0o700)
        if ordinary():
            os.chown(self.folder, ordinary()["user"], ordinary()["group"])
        self.settings = {"fsync": "on" if durable else "off", "full_page_writes": "on" if durable else "off",
                         "max_connections": "200", "shared_buffers": "64MB", "listen_addresses": "127.0.0.1",
                         "unix_socket_directories": self.folder, **(settings or {})}
        try:
            self._initdb()
            self.start()
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def standby(self):
        """A copy that follows this server, and only reads until it is told otherwise: pg_promote()."""
        copy = Postgres.__new__(Postgres)
        copy.programs, copy.process, copy.password, copy.settings = self.programs, None, self.password, dict(self.settings)
        copy.folder = tempfile.mkdtemp(prefix="outlayer-pg-", dir="/tmp")
        copy.data = os.path.join(copy.folder, "data")
        os.chmod(copy.folder, 0o700)
        if ordinary():
            os.chown(copy.folder, ordinary()["user"], ordinary()["group"])
        copy.settings |= {"unix_socket_directories": copy.folder, "synchronous_standby_names": ""}
        try:
            self._run(os.path.join(self.programs, "pg_basebackup"), "-D", copy.data, "-h", self.folder, "-p", str(self.port),
                      "-U", "outlayer", "-R", "-c", "fast", "--no-sync")
            yield copy.start()
        finally:
            copy.close()

    def _run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, timeout=START_SECONDS,
                              env={**os.environ, "HOME": self.folder, "LC_ALL": "C"}, **ordinary())
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {(done.stdout + done.stderr)[-800:]}")

    def _initdb(self):
        word = os.path.join(self.folder, "password")
        with open(word, "w") as f:
            f.write(self.password + "\n")
        os.chmod(word, 0o644)
        self._run(os.path.join(self.programs, "initdb"), "-D", self.data, "-U", "outlayer", "-E", "UTF8", "--locale=C",
                  "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile", word, "--no-sync", "--no-instructions")

    def start(self, port=None):
        """On its earlier port again, where it had one."""
        self.port = port or getattr(self, "port", None) or free_port()
        with open(os.path.join(self.folder, "server.log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.programs, "postgres"), "-D", self.data, "-p", str(self.port),
                 *(f"--{name}={value}" for name, value in self.settings.items())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                env={"PATH": os.environ["PATH"], "HOME": self.folder, "LC_ALL": "C"}, **ordinary())
        end = time.monotonic() + START_SECONDS
        while not self._serves():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start: {self.log()[-800:]}")
            time.sleep(0.02)
        where = urllib.parse.quote(self.folder, safe="")
        self.url = f"postgres:///postgres?host={where}&port={self.port}&user=outlayer"
        self.tcp = f"postgres://outlayer:{self.password}@127.0.0.1:{self.port}/postgres"
        return self

    def _serves(self):
        try:
            with open(os.path.join(self.data, "postmaster.pid")) as f:
                lines = f.read().split("\n")
        except FileNotFoundError:
            return False
        return lines[0] == str(self.process.pid) and len(lines) > 7 and lines[7].strip() in ("ready", "standby")

    def log(self):
        with open(os.path.join(self.folder, "server.log"), errors="replace") as f:
            return f.read()

    def stop(self, how=signal.SIGQUIT):
        """SIGQUIT: at once, as a crash of the server. SIGINT: connections are closed, all else is written first."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(STOP_SECONDS)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, text, database="postgres"):
        """What psql prints for it, without headings."""
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p",
                               str(self.port), "-U", "outlayer", "-d", database], input=text, capture_output=True,
                              text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def database(self, name=None):
        """The URL of a new, empty database in it."""
        name = name or "d" + secrets.token_hex(6)
        self.sql(f"CREATE DATABASE {name}")
        return self.url.replace("/postgres?", f"/{name}?")


class Redis:
    """A server that keeps nothing on the disk. `url` has the password, which it wants."""

    def __init__(self):
        self.folder, self.process = tempfile.mkdtemp(prefix="outlayer-redis-", dir="/tmp"), None
        self.password = secrets.token_hex(8)
        if ordinary():
            os.chown(self.folder, ordinary()["user"], ordinary()["group"])
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        """On its earlier port again, where it had one. Waits until it serves."""
        self.port = getattr(self, "port", None) or free_port()
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}"
        program = shutil.which("redis-server")
        if not program:
            raise RuntimeError("Redis is not installed: scripts/setup.sh test")
        settings = {"port": self.port, "bind": "127.0.0.1", "requirepass": self.password, "dir": self.folder,
                    "save": "", "appendonly": "no", "daemonize": "no"}
        with open(os.path.join(self.folder, "server.log"), "ab") as log:
            self.process = subprocess.Popen(
                [program, *(word for name, value in settings.items() for word in (f"--{name}", str(value)))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                env={"PATH": os.environ["PATH"], "HOME": self.folder, "LC_ALL": "C"}, **ordinary())
        end = time.monotonic() + START_SECONDS
        while not self._serves():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"Redis did not start: {self.log()[-800:]}")
            time.sleep(0.01)
        return self

    def _serves(self):
        try:
            return self.ask("PING") == "PONG"
        except OSError:
            return False

    def log(self):
        with open(os.path.join(self.folder, "server.log"), errors="replace") as f:
            return f.read()

    def ask(self, *words):
        """What the server says to a command, as a text: without its first sign where it is one line, else as it came."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as s, s.makefile("rwb") as f:
            for command in (("AUTH", self.password), words):
                f.write(b"*%d\r\n" % len(command))
                for word in map(str.encode, map(str, command)):
                    f.write(b"$%d\r\n%s\r\n" % (len(word), word))
                f.flush()
                first = f.readline()
            more = f.read(int(first[1:]) + 2) if first[:1] == b"$" and first[1:2] != b"-" else first[1:]
            return more.decode(errors="replace").strip()

    def stop(self, how=signal.SIGKILL):
        """SIGTERM: in order. SIGKILL: at once."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(STOP_SECONDS)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def redis():
    server = Redis()
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def postgres(**more):
    server = Postgres(**more)
    try:
        yield server
    finally:
        server.close()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if sys.argv[1:] in (["postgres"], ["redis"]):
        with postgres() if sys.argv[1] == "postgres" else redis() as server:
            print(server.url, flush=True)
            sys.stdin.read()
            return 0
    with contextlib.ExitStack() as stack:
        urls = {"TEST_POSTGRES": stack.enter_context(postgres(durable=sys.argv[1] != "with")).url}
        if sys.argv[1] == "both":
            urls["TEST_REDIS"] = stack.enter_context(redis()).url
        return subprocess.run(sys.argv[2:], env={**os.environ, **urls}).returncode


if __name__ == "__main__":
    if sys.argv[1:] not in (["postgres"], ["redis"]) and (len(sys.argv) < 3 or sys.argv[1] not in ("with", "durable", "both")):
        sys.exit(__doc__)
    sys.exit(main())
