# SPDX-License-Identifier: Apache-2.0
"""A coordinator of a test's own, with a token, and what is asked of it. OUTLAYER_TEST_DATABASE=postgres: over a database
of PostgreSQL, in one server for all of a run; otherwise over SQLite in its home."""
import atexit, contextlib, json, os, sqlite3, subprocess, urllib.parse

import databases, kit

CONTRACT = "outlayer.test.near"


servers, urls = [], {}  # the server of PostgreSQL, if any; the database's URL by home


def database(home):
    """How this home's coordinator is told of its database, as environment; {}: it is in the home."""
    if os.environ.get("OUTLAYER_TEST_DATABASE") == "postgres" and home not in urls:
        if not servers:
            servers.append(databases.Postgres())
            atexit.register(servers[0].close)
        urls[home] = servers[0].database()
    return {"DATABASE_URL": urls[home]} if home in urls else {}


def place(home):
    """The same for `outlayer token`."""
    return ["--home", home, *(["--database", url] if (url := database(home).get("DATABASE_URL")) else [])]


def sql(c, text):
    """Rows as lists of texts, from the coordinator's database. What changes something wants it stopped."""
    url = database(c.home).get("DATABASE_URL")
    if url:
        answer = servers[0].sql(text, urllib.parse.urlparse(url).path[1:])
        return [line.split("|") for line in answer.split("\n") if line]
    with contextlib.closing(sqlite3.connect(f"file:{c.home}/coordinator.db", uri=True)) as db:
        rows = [[str(x) for x in row] for row in db.execute(text).fetchall()]
        db.commit()
        return rows


class Coordinator(kit.Daemon):
    def __init__(self, home, folder=None, **env):
        super().__init__("outlayer-coordinator", env={"DRAIN_SECONDS": "0", **database(home), **env}, home=home,
                         folder=folder)
        self.token = None

    def call(self, method, path, body=None, token="", timeout=120, headers=None):
        """(status, parsed answer). token "": the daemon's own, None: none."""
        token = self.token if token == "" else token
        with_token = {"Authorization": f"Bearer {token}"} if token else {}
        status, _, raw = kit.http(method, self.url + path, body, {**with_token, **(headers or {})}, timeout=timeout)
        try:
            return status, json.loads(raw) if raw else None
        except ValueError:
            return status, raw

    def create(self, request_id, **more):
        return self.call("POST", "/tasks/create", task(request_id, **more))

    def poll(self, timeout=0, worker="w1", capabilities=None, at_hand=None):
        query = {"timeout": timeout, "worker_id": worker, **({"capabilities": capabilities} if capabilities else {}),
                 **({"at_hand": at_hand} if at_hand is not None else {})}
        return self.call("GET", "/tasks/poll?" + urllib.parse.urlencode(query))

    def report(self, kind, request_id, lease_token, **more):
        body = {"contract_id": CONTRACT, "request_id": request_id, "token": lease_token, **more}
        return self.call("POST", f"/tasks/{kind}", body)

    def beat(self, request_id, lease_token, **more):
        return self.report("heartbeat", request_id, lease_token, **more)

    def complete(self, request_id, lease_token, **more):
        return self.report("complete", request_id, lease_token, **{"outcome": "success", **more})

    def job(self, request_id):
        return self.call("GET", f"/public/jobs?request_id={request_id}", token=None)[1][0]

    def jobs(self, query=""):
        return self.call("GET", "/public/jobs" + query, token=None)

    def lease(self, request_id=None):
        """Creates one if named, takes what is next and confirms it; (request id, lease token)."""
        if request_id is not None:
            self.create(request_id)
        status, answer = self.poll(30)
        assert status == 200, (status, answer)
        got, token = answer["task"]["request_id"], answer["lease"]["token"]
        self.beat(got, token)
        return got, token


def task(number, **more):
    return {"contract_id": CONTRACT, "request_id": number, "data_id": "ab" * 32, "sender_id": "alice.test.near",
            "payer_id": "alice.test.near",
            "code_source": {"repo": "https://example.com/a/b", "commit": "main", "build_target": "wasm32-wasip1"},
            "resource_limits": {"max_instructions": 10**9, "max_memory_mb": 128, "max_execution_seconds": 60},
            "input_data": "{}", "secrets_ref": None, "response_format": "Text", "payment": "100000000000000000000000",
            "timestamp": "1764000000000000000",
            "context": {"block_height": 7, "block_timestamp": "1764000000000000000", "transaction_hash": f"tx{number}",
                        "receipt_id": "r", "predecessor_id": "alice.test.near", "signer_id": "alice.test.near",
                        "signer_public_key": "ed25519:x", "gas_burnt": 5}, **more}


def token_of(home, name="test", *more):
    run = subprocess.run([kit.program("outlayer"), "token", "create", name, *place(home), *more],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@contextlib.contextmanager
def coordinator(**env):
    with kit.folder() as home:
        token = token_of(home)
        c = Coordinator(home, **env)
        c.token = token
        try:
            yield c
        finally:
            c.kill()


def again(c, **env):
    """Another process on the same home."""
    other = Coordinator(c.home, **env)
    other.token = c.token
    return other


def error_of(answer):
    return answer["error"]["code"] if isinstance(answer, dict) and "error" in answer else answer


def limited_after(ask, most=100):
    for i in range(most):
        status, retry = ask(i)
        if status == 429:
            return i, int(retry) >= 1
    return None
