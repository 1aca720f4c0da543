#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What daemons tell their operators and let them do: readiness, figures, draining with work under way, admin routes,
one request's id in all logs."""
import json, time

import figures, kit

from kit import check, equal
from worker_world import ECHO, World, c_repo

TOKEN = "operators-token"


def admin(daemon, method, path, body=None, token=TOKEN):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    status, _, raw = kit.http(method, daemon.status_url + path, body, headers)
    return status, json.loads(raw) if raw else None


def ready(daemon):
    status, _, body = kit.get(daemon.status_url + "/readyz")
    return status, body.decode()


def running(w, id):
    return w.coordinator.wait(lambda: any(b["request_id"] == id and b.get("stage") == "running"
                                          for b in w.coordinator.beats))


def test_a_worker_tells_what_it_does():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        with w.worker(NEAR_RPC_URL=f"http://127.0.0.1:1/secret-path?key=k,{w.net.url}", ENABLE_EVENT_MONITOR="true",
                      NEARDATA_API_URL=w.net.url) as worker:
            equal("it lives", kit.get(worker.status_url + "/healthz")[0], 200)
            check("it gets ready", kit.until(lambda: ready(worker)[0] == 200), ready(worker))
            for text in ("a", "b"):
                id, tx, _ = w.request(repo, text, record=False)
                equal(f"'{text}' is answered", w.answer(tx)[1], text)
                check("and reported", w.coordinator.report(id))
            kit.until(lambda: figures.read(worker.status_url)["outlayer_worker_answers_followed"] == 0)
            f = figures.read(worker.status_url)
            equal("a build", f['outlayer_worker_builds_total{end="ok"}'], 1)
            equal("whose module was had again", f['outlayer_worker_modules_total{from="cache"}'], 1)
            equal("runs", figures.total(f, "outlayer_worker_runs_total"), 2)
            equal("one of them compiled", [f[f'outlayer_worker_code_total{{from="{x}"}}']
                                           for x in ("cache", "compilation")], [1, 1])
            equal("answers", f['outlayer_worker_answers_total{class="success"}'], 2)
            equal("of which it knows the fate", f["outlayer_worker_transaction_seconds_count"], 2)
            equal("none is stuck", f["outlayer_worker_settlers_stuck"], 0)
            check("what the key may spend and what pays for it", 0 < f["outlayer_worker_key_allowance_near"] <= 10
                  and f["outlayer_worker_balance_near"] > 50, f)
            check("how far the monitor is", f["outlayer_worker_monitor_cursor"] > 0
                  and f["outlayer_worker_monitor_lag_blocks"] < 300, f)
            bad = 'outlayer_rpc_errors_total{number="1",server="127.0.0.1:1"}'
            check("which server fails", f[bad] > 0 and figures.total(f, "outlayer_rpc_errors_total", number="2") == 0,
                  {k: v for k, v in f.items() if "rpc" in k})
            _, _, shown = kit.get(worker.status_url + "/metrics")
            check("and no key of its address", b"secret-path" not in shown)
            w.coordinator.gone = True
            equal("without a coordinator", kit.until(lambda: ready(worker)[0] == 503, 90), True)
            check("it is not ready, and says why", "coordinator" in ready(worker)[1], ready(worker))


def test_a_worker_drains():
    with kit.folder() as home:
        w = World(home)
        repo = c_repo(w, "echo", ECHO)
        limits = {"max_execution_seconds": 60}
        with w.worker(ADMIN_BEARER_TOKEN=TOKEN, DRAIN_SECONDS="40") as worker:
            equal("nobody drains it without the token", admin(worker, "POST", "/admin/drain", token="x")[0], 401)
            id, tx, _ = w.request(repo, "nap5", resource_limits=limits)
            check("a run is under way", running(w, id))
            equal("its operator drains it", admin(worker, "POST", "/admin/drain"), (202, {"draining": True}))
            check("which shows", kit.until(lambda: ready(worker)[0] == 503) and "draining" in ready(worker)[1])
            later, _, _ = w.request(repo, "later")
            equal("the run ends as if nothing were", w.answer(tx)[1], "rested")
            equal("and is reported", (w.coordinator.report(id) or {}).get("outcome"), "success")
            equal("then it ends", worker.process.wait(20), 0)
            check("and took nothing new", later not in w.coordinator.leases
                  and not any(x["request_id"] == id for x in w.coordinator.failed), w.coordinator.failed)
        with w.coordinator.changed:
            w.coordinator.queue.clear()
        with w.worker(DRAIN_SECONDS="2") as worker:
            equal("without a token there is nothing to ask", admin(worker, "POST", "/admin/drain")[0], 404)
            id, _, _ = w.request(repo, "nap30", resource_limits=limits)
            check("another run is under way", running(w, id))
            began = time.monotonic()
            worker.signal(15)
            equal("SIGTERM ends it", worker.process.wait(20), 0)
            check("when its time is over", 1.5 < time.monotonic() - began < 9, time.monotonic() - began)
            check("and the run is handed back", any(x["request_id"] == id and x["retry"] for x in w.coordinator.failed),
                  w.coordinator.failed)


if __name__ == "__main__":
    kit.main(globals())
