#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A worker with a contract of the first form (src/worker/first_form.h): near-outlayer 1.0.0 itself, as
tests/contracts/first_form shows it. FIRST_FORM=FILE takes another contract's code, such as that one's own."""
import base64, os

import kit
from kit import check, equal
from near import NEAR
from worker_world import World, c_repo

BASE_FEE = NEAR // 1000
GUEST = """int main(void) {
    char kind[16] = "", rest[8192];
    long n = 0;
    if (scanf("%15s %ld", kind, &n) < 1) return 4;
    if (!strcmp(kind, "text") || !strcmp(kind, "json")) {
        if (*kind == 'j') putchar('"');
        for (; n > 0; n--) putchar('x');
        if (*kind == 'j') putchar('"');
        return 0;
    }
    if (!strcmp(kind, "bytes")) { for (long i = 0; i < n; i++) putchar((int)(255 - i % 256)); return 0; }
    if (!strcmp(kind, "quotes")) { for (; n > 0; n--) fputs("\\"\\n", stdout); return 0; }
    if (!strcmp(kind, "numbers")) { fputs("[1", stdout); for (; n > 1; n--) fputs(",1e15", stdout); putchar(']'); return 0; }
    if (!strcmp(kind, "echo")) { fwrite(rest, 1, fread(rest, 1, sizeof rest, stdin), stdout); return 0; }
    for (; n > 0; n--) fputs("\\"no luck\\"", stderr);
    return 3;
}
"""


class FirstForm(World):
    code = os.environ.get("FIRST_FORM", "contracts/first_form.wasm")

    def ask(self, repo, text, seconds=120, **more):
        """(event, value, the coordinator's report) of a request."""
        id, tx, _ = self.request(repo, text, **more)
        event, value = self.answer(tx, seconds)
        return event or {}, value, self.coordinator.report(id) or {}


def test_formats():
    """Outputs of each kind and size reach the caller, and what was charged reaches the coordinator."""
    with kit.folder() as home:
        w = FirstForm(home)
        repo = c_repo(w, "guest", GUEST)
        with w.worker():
            for name, format, text, want in (
                    ("a short text", "Text", "echo grüße \"1\"\n", "grüße \"1\"\n"),
                                             ("a text that just fits", "Text", "text 840", "x" * 840),
                    ("one that may not", "Text", "text 900", "x" * 900),
                                             ("a long text", "Text", "text 100000", "x" * 100000),
                    ("a text with a NUL", "Text", "echo a\0b", "a\0b"),
                                             ("a text of quotes", "Text", "quotes 300", "\"\n" * 300),
                                             ("an empty text", "Text", "echo", ""),
                    ("a byte", "Bytes", "bytes 1", b"\xff"), ("bytes that are long as numbers", "Bytes", "bytes 300",
                                                              bytes(255 - i % 256 for i in range(300))),
                    ("many bytes", "Bytes", "bytes 30000", bytes(255 - i % 256 for i in range(30000))),
                    ("short JSON", "Json", "echo  {\"a\":[1, null]}", {"a": [1, None]}),
                                             ("long JSON", "Json", "json 14000", "x" * 14000),
                    ("JSON of numbers that become longer", "Json", "numbers 150", [1] + [1e15] * 149)):
                event, value, report = w.ask(repo, text, response_format=format)
                equal(name, base64.b64decode(value) if format == "Bytes" and value is not None else value, want)
                check("is charged, and the coordinator knows", event.get("success")
                      and report.get("outcome") == "success" and
                      report.get("charged") == event.get("payment_charged") and "resolve_transaction" in report,
                      (event, report))
            event, value, report = w.ask(repo, "json 20000", response_format="Json")
            equal("JSON that the contract could not log ends as a failure", (value, event.get("success")),
                  (None, False))
            check("that says what to do", "ask for Text" in (event.get("error_message") or ""), event)
            equal("and costs the base fee", (report.get("outcome"), report.get("charged")),
                  ("guest_failed", str(BASE_FEE)))


def test_failures():
    """Whoever waits is answered, with what is wrong."""
    with kit.folder() as home:
        w = FirstForm(home)
        repo = c_repo(w, "guest", GUEST)
        no_limits = {"max_instructions": None, "max_memory_mb": None, "max_execution_seconds": None}
        with w.worker(ENABLE_EVENT_MONITOR="true", NEARDATA_API_URL=w.net.url, START_BLOCK_HEIGHT="1") as worker:
            equal("limits that are null have their defaults",
                  w.ask(repo, "text 3", resource_limits=no_limits, record=False)[1], "xxx")
            equal("so has a missing target", w.ask(repo, "text 4", record=False, target=None)[1], "xxxx")
            for name, more, sentence, outcome in (
                    ("a guest that fails, with a long error in quotes", {"text": "fail 90"}, "no luck", "guest_failed"),
                    ("a limit of zero", {"resource_limits": {**no_limits, "max_instructions": 0}}, "0 instructions",
                     "guest_failed"),
                    ("a target that nobody builds", {"target": "wasm64"}, "'wasm64' is unknown", "guest_failed"),
                    ("a repository with a name of 2000 bytes", {"repo": repo + "x" * 2000}, "build failed",
                     "guest_failed"),
                    ("secrets", {"secrets_ref": {"profile": "p", "account_id": "alice.test.near"}}, "has no keystore",
                     "refused"),
                    ("a request that nobody can read",
                     {"secrets_ref": {"profile": "", "account_id": "alice.test.near"}},
                     "cannot be served: request_data: field 'secrets_ref' has an empty profile", "expired")):
                event, value, report = w.ask(**{"repo": repo, "text": "text 1", "record": False, **more})
                equal(f"{name}: answered", (value, event.get("success")), (None, False))
                check(f"{name}: with the sentence", sentence in (event.get("error_message") or ""), event)
                equal(f"{name}: reported", (report.get("outcome"), report.get("charged")), (outcome, str(BASE_FEE)))
            check("of the contract's events only that one could not be read",
                  worker.output().count("of the contract cannot be read") == 1, worker.output())


def test_builds_of_another_worker():
    """Whose key may answer is found where there is no list of operators."""
    with kit.folder() as home:
        w = FirstForm(home)
        repo = c_repo(w, "guest", GUEST)
        with w.worker("first"):
            equal("the first builds", w.ask(repo, "text 1")[1], "x")
        with w.worker("second") as second:
            equal("the second answers", w.ask(repo, "text 2")[1], "xx")
            equal("with the first one's module", second.output().count("building repo="), 0)


def test_build_time():
    """A build has the time that is paid for."""
    with kit.folder() as home:
        w = FirstForm(home)
        slow = c_repo(w, "slow", GUEST, seconds=14)
        with w.worker():
            event, value, _ = w.ask(slow, "text 1", deposit=NEAR // 125)
            check("too little for a build of 14 s", value is None
                  and "longer than its deadline" in (event.get("error_message") or ""), event)
            equal("enough", w.ask(slow, "text 1", seconds=120)[1], "x")


if __name__ == "__main__":
    kit.main(globals())
