# SPDX-License-Identifier: Apache-2.0
"""Several coordinators over one database of PostgreSQL: what one was told, the others know."""
import contextlib, hashlib, os, subprocess, time

os.environ["OUTLAYER_TEST_DATABASE"] = "postgres"
import figures, kit
from coordinator_world import Coordinator, coordinator, place, sql, urls
from kit import check, equal

LOCK = {"lock_key": "build:x", "ttl_seconds": 60}


@contextlib.contextmanager
def fleet(count=2, **env):
    """As many coordinators, each with a home of its own."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(coordinator(**env))
        all_of_them = [first]
        for _ in range(count - 1):
            home = stack.enter_context(kit.folder())
            urls[home] = urls[first.home]
            c = Coordinator(home, **env)
            stack.callback(c.kill)
            c.token = first.token
            all_of_them.append(c)
        yield all_of_them


def test_what_is_shared():
    with kit.folder() as modules, fleet(3, WASM_CACHE_DIR=modules, ADMIN_BEARER_TOKEN="admin") as (a, b, c):
        take = lambda at, worker: at.call("POST", "/locks/acquire", {**LOCK, "worker_id": worker})[1]["acquired"]
        equal("a lock held through one is refused by another", (take(a, "w1"), take(b, "w2"), take(c, "w1")),
              (True, False, True))
        a.kill()
        equal("also when that one is gone", (take(b, "w2"), take(b, "w1")), (False, True))
        equal("and let go through any", b.call("DELETE", "/locks/release/build:x?worker_id=w1")[0], 200)
        equal("it is another's", take(c, "w2"), True)
        module = b"\0asm\1\0\0\0" + os.urandom(1000)
        name = hashlib.sha256(module).hexdigest()
        equal("a module is taken in", b.call("POST", f"/wasm/upload?sha256={name}", module)[0], 201)
        equal("and given out by another", kit.http("GET", f"{c.url}/wasm/{name}")[::2], (200, module))
        os.truncate(f"{modules}/{name}", 100)
        equal("never damaged", kit.http("GET", f"{b.url}/wasm/{name}")[0], 404)
        lock = b"version = 4\n"
        named = hashlib.sha256(lock).hexdigest()
        b.call("POST", f"/cargo-lock/upload?sha256={named}", lock)
        equal("a lock file, too", kit.http("GET", f"{c.url}/cargo-lock/{named}")[::2], (200, lock))
        b.call("POST", "/workers/heartbeat", {"worker_id": "w1"})
        seen = lambda: [w["worker_id"] for w in c.call("GET", "/public/workers", token=None)[1]] == ["w1"]
        check("a worker seen by one is listed by another", kit.until(seen, 10))
        admin = {"Authorization": "Bearer admin"}
        equal("a bench", kit.http("POST", b.status_url + "/admin/bench", {"worker_id": "w1", "seconds": 600},
                                  admin)[0], 200)
        check("is kept to by the others", kit.until(lambda: c.poll(0, "w1")[0] == 503, 10))
        count = lambda: figures.read(c.status_url)["outlayer_coordinators"]
        check("coordinators are counted", kit.until(lambda: count() == 2, 20))


def test_a_revocation_reaches_all():
    with fleet() as (a, b):
        equal("good at both", (a.poll()[0], b.poll()[0]), (204, 204))
        run = subprocess.run([kit.program("outlayer"), "token", "revoke", "test", *place(a.home)], capture_output=True)
        began = time.monotonic()
        equal("revoked", run.returncode, 0)
        check("refused by both", kit.until(lambda: (a.poll()[0], b.poll()[0]) == (401, 401), 10))
        check("within 5 s and a look", time.monotonic() - began < 6, time.monotonic() - began)


def refused_beside(a, what, words):
    """A coordinator over the database of `a` does not start, and says why."""
    with kit.folder() as home:
        urls[home] = urls[a.home]
        try:
            Coordinator(home).kill()
            check(f"{what} is refused", False)
        except RuntimeError as e:
            check(f"{what} is refused", words in str(e), e)


def test_mixed_forms_are_refused():
    with fleet(1) as (a,):
        sql(a, "INSERT INTO coordinators SELECT 'x', 'local', '0.0.9', 0, seen_ms + 5000 FROM coordinators")
        refused_beside(a, "one that keeps it all in its memory", "whose form is 'local'")
        sql(a, "DELETE FROM coordinators WHERE id = 'x'; INSERT INTO schema_version VALUES (99); "
               "INSERT INTO schema_least VALUES (99, 99)")
        refused_beside(a, "a program that is too old", "needs a program that knows 99")


if __name__ == "__main__":
    kit.main(globals())
