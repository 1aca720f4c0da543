#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outlayer-coordinator looks up the branch of a ref, by git's protocol."""
import contextlib, os, subprocess, threading, time, urllib.parse

import figures, kit
from coordinator_world import again, coordinator, limited_after, sql
from fakes.git_host import git_host
from kit import check, equal


# --- branches of commits

def git(folder, *words, date=None):
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null",
           **{f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}
    if date:
        env |= {"GIT_AUTHOR_DATE": f"@{date} +0000", "GIT_COMMITTER_DATE": f"@{date} +0000"}
    return subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True, text=True,
                          env=env).stdout.strip()


def commit(folder, date):
    git(folder, "commit", "-q", "--allow-empty", "-m", str(date), date=1700000000 + date)
    return git(folder, "rev-parse", "HEAD")


@contextlib.contextmanager
def branches(**env):
    """A coordinator that knows host.invalid/own/… as folders, and a repository there: main has `base`; old and, later
    committed, new have `both`; `loose` is on a tag alone."""
    with kit.folder() as repos:
        folder = os.path.join(repos, "own", "app")
        os.makedirs(folder)
        git(folder, "init", "-q", "-b", "main")
        names = {"base": commit(folder, 1)}
        git(folder, "checkout", "-q", "-b", "old")
        names["both"] = commit(folder, 2)
        git(folder, "checkout", "-q", "-b", "new")
        commit(folder, 9)
        git(folder, "tag", "-a", "-m", "t", "v1", names["both"])
        git(folder, "checkout", "-q", "old")
        commit(folder, 5)
        git(folder, "checkout", "-q", "--detach")
        names["loose"] = commit(folder, 6)
        git(folder, "tag", "loose")
        git(folder, "checkout", "-q", "main")
        with coordinator(REPO_MAP=f"host.invalid={repos}", **env) as c:
            c.repos, c.commits = repos, names
            yield c


def resolve(c, ref, repo="https://host.invalid/own/app", **more):
    return c.call("GET", "/github/resolve-branch?" + urllib.parse.urlencode({"repo": repo, "commit": ref}), token=None,
                  **more)


def questions(c):
    return int(figures.read(c.status_url)["outlayer_branch_questions_total"])


def test_branches():
    with branches() as c:
        commits = c.commits
        if resolve(c, "main")[0] == 503:
            raise kit.Skip("no isolation here")
        for ref, branch in (("main", "main"), ("new", "new"), (commits["base"], "main"), (commits["both"], "new"),
                            ("v1", "new"), ("refs/heads/old", "old"),
                            (commits["both"][:8], "new"), (commits["both"].upper(), "new"), ("HEAD", "main")):
            want = {"repo_normalized": "host.invalid/own/app", "commit": ref, "branch": branch,
                    "cached": ref in ("main", commits["both"].upper())}
            equal(f"{ref[:12]} is on {branch}", resolve(c, ref), (200, want))
        asked = questions(c)
        for repo in ("https://host.invalid/own/app.git", "host.invalid/own/app", "https://HOST.invalid/own/app/",
                     "host.invalid:443/own/app//guest"):
            equal(f"another spelling: {repo}", resolve(c, "v1", repo)[1]["cached"], True)
        equal("what is kept is not asked again", questions(c), asked)
        for name, ref, status in (("an unknown branch", "gone", 404), ("an unknown commit", "0" * 40, 404),
                                  ("a commit of a tag alone", commits["loose"], 404),
                                  ("that tag", "loose", 404), ("an option", "--all", 400), ("a range", "a..b", 400),
                                  ("nothing", "", 400), ("far too much", "a" * 5000, 400)):
            got, answer = resolve(c, ref)
            check(f"{name}: {status} and a sentence", got == status and len(answer["error"]["message"]) > 10
                  and "branch" not in answer, (got, answer))
        for repo, status in (("https://host.invalid/own/none", 404), ("a/b/c", 400), ("b", 400), ("", 400),
                             ("ssh://host.invalid/own/app", 400), ("git@host.invalid:own/app.git", 400),
                             ("http://host.invalid/own/app", 400), ("https://github.com/a/b/tree/x", 400)):
            equal(f"repository {repo!r}", resolve(c, "main", repo)[0], status)
        equal("no question at all", c.call("GET", "/github/resolve-branch", token=None)[0], 400)
        asked = questions(c)
        resolve(c, "gone")
        equal("what is unknown is not kept", questions(c), asked + 1)
        c.kill()
        sql(c, "UPDATE branches SET found_ms = found_ms - 7 * 24 * 3600 * 1000 - 1000 WHERE ref = 'v1'")
        d = again(c, REPO_MAP=f"host.invalid={c.repos}")
        equal("kept over a crash", resolve(d, "new")[1]["cached"], True)
        equal("for a week", resolve(d, "v1")[1]["cached"], False)
        d.kill()


def test_branches_asked_at_once():
    """Many ask the same: the repository is asked once, and whoever asks too much is told to wait."""
    with branches(TRUSTED_PROXIES="127.0.0.1") as c:
        if resolve(c, "main")[0] == 503:
            raise kit.Skip("no isolation here")
        asked, answers = questions(c), []
        def ask(i):
            answers.append(resolve(c, c.commits["both"], headers={"X-Forwarded-For": f"192.0.2.{i}"}))
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(24)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(40)
        equal("one answer for all", {(status, a["branch"]) for status, a in answers}, {(200, "new")})
        equal("the repository was asked once", questions(c), asked + 1)
        hit = limited_after(lambda i: (lambda status, headers, _: (status, headers.get("Retry-After")))(
            *kit.get(f"{c.url}/github/resolve-branch?repo=host.invalid/own/none{i}&commit=main",
                     headers={"X-Forwarded-For": "198.51.100.1"})))
        check("who asks too much is limited", hit and 30 <= hit[0] < 40 and hit[1], hit)
        equal("not for what is kept", resolve(c, "main", headers={"X-Forwarded-For": "198.51.100.1"})[0], 200)
        equal("and nobody else is", resolve(c, "old", headers={"X-Forwarded-For": "198.51.100.2"})[0], 200)


def test_branches_over_https():
    """A host that serves any commit to who names it, as large ones do with those of forks; with and without filters."""
    with branches() as known, git_host(known.repos) as (host, cert):
        if resolve(known, "main")[0] == 503:
            raise kit.Skip("no isolation here")
        folder, commits = os.path.join(known.repos, "own", "app"), known.commits
        ask = lambda c, ref, name="app": resolve(c, ref, f"127.0.0.2/own/{name}")
        with coordinator(GIT_SSL_CAINFO=cert) as c:
            status, answer = ask(c, "main")
            check("an address of one's own network is not asked", status == 503 and not host.asked, (status, answer))
        git(folder, "tag", "-d", "loose")
        git(folder, "update-ref", "refs/pull/1/head", commits["loose"])
        git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
        for filters in ("true", "false"):
            git(folder, "config", "uploadpack.allowFilter", filters)
            host.asked.clear()
            with coordinator(GIT_SSL_CAINFO=cert, EGRESS_ALLOW="127.0.0.2:443") as c:
                for ref, branch in (("main", "main"), (commits["base"], "main"), (commits["both"], "new"),
                                    ("v1", "new"), (commits["both"][:9], "new")):
                    status, answer = ask(c, ref)
                    equal(f"filters {filters}: {ref[:12]} is on {branch}", (status, answer.get("branch")),
                          (200, branch))
                equal("filters are used where there are any", any(b"filter tree:0" in body for _, body in host.asked),
                      filters == "true")
                status, answer = ask(c, commits["loose"])
                equal("a fork's commit is on no branch", (status, "in no branch" in str(answer)), (404, True))
                check("and was not fetched", not any(commits["loose"].encode() in body for _, body in host.asked))
                status, answer = ask(c, "main", "none")
                equal("a repository that is not there", (status, "not there or not public" in str(answer)), (404, True))
        with coordinator(EGRESS_ALLOW="127.0.0.2:443") as c:
            status, answer = ask(c, "main")
            check("a certificate that nobody vouches for", status == 503 and "certificate" in str(answer),
                  (status, answer))
        with coordinator(GIT_SSL_CAINFO=cert, EGRESS_ALLOW="127.0.0.2:443") as c:
            host.shutdown()  # connections are taken and nothing comes
            waiting = []
            thread = threading.Thread(target=lambda: waiting.append(ask(c, "main")[0]))
            thread.start()
            kit.until(lambda: questions(c))
            start = time.monotonic()
            equal("a stop does not wait for a host", (c.stop(), time.monotonic() - start < 15), (0, True))
            thread.join(60)
            equal("and who waits is told", waiting, [503])
            threading.Thread(target=host.serve_forever, daemon=True).start()


if __name__ == "__main__":
    kit.main(globals())
