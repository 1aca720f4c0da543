#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the book: book.py OUT writes the pages that docs/README.md lists, in its order, as static HTML that runs under a
policy without inline scripts and styles, with an index for the search, and llms.txt and llms-full.txt for programs
that read. A page that is not listed, a link that leads nowhere and HTML in a page's text are refused."""
import functools, gzip, html, json, os, pathlib, re, shutil, sys

import markdown
from markdown.extensions.toc import TocExtension

INDEX = "docs/README.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
PLAIN = re.compile(r"<[^>]+>")
SECTION_TEXT_MAX = 4000  # of each section in the search's index
ASSETS = pathlib.Path(__file__).parent / "book"


class Refused(Exception):
    pass


def anchor(heading, _separator="-"):
    """As GitHub names a heading, so that links work in both places."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def output_of(path):
    """docs/near.md: near.html; examples/hmac-c/README.md: examples-hmac-c.html; SECURITY.md: SECURITY.html."""
    if path == INDEX:
        return "index.html"
    name = path[:-len("/README.md")] if path.endswith("/README.md") else path[:-len(".md")]
    return name.removeprefix("docs/").replace("/", "-") + ".html"


def chapters(text):
    """[(chapter, [(path, what is said of it)])] of the index."""
    found = []
    for line in text.split("\n"):
        if heading := re.match(r"## (.*)", line):
            found.append((heading[1], []))
        elif item := re.match(r"- \[([^\]]+)\]\(([^)]+)\)(?:: (.*))?$", line):
            path = os.path.normpath(os.path.join("docs", item[2]))
            found[-1][1].append((path, item[1], item[3] or ""))
    return found


def check_listed(listed):
    pages = {str(p) for p in [*pathlib.Path("docs").glob("*.md"), *pathlib.Path("examples").glob("*/README.md")]}
    if missing := sorted(pages - listed - {INDEX}):
        raise Refused(f"{INDEX} does not list {', '.join(missing)}")
    if len(outputs := {output_of(p) for p in listed}) != len(listed):
        raise Refused(f"two pages have one name among {', '.join(sorted(outputs))}")


@functools.cache
def pictures():
    """{path: its name in the book}"""
    return {str(p): p.relative_to("docs").as_posix().replace("/", "-") for p in pathlib.Path("docs/pictures").glob("*.[sp][vn]g")}


def relink(path, text, listed, ending=".html"):
    """Links to pages of the book lead to their HTML, or their text; what is only in the repository is named, without a
    link."""
    def link(match):
        target, _, section = match[1].partition("#")
        if re.match(r"[a-z]+:", match[1]) or not target:
            return match[0]
        there = os.path.normpath(os.path.join(os.path.dirname(path), target))
        readme = os.path.join(there, "README.md")
        page = there if there in listed else readme if readme in listed else None
        if page:
            return f"]({output_of(page).removesuffix('.html') + ending}{'#' + section if section else ''})"
        if there in pictures():
            return f"]({pictures()[there]})"
        if os.path.exists(there):
            return "](repository:)"
        raise Refused(f"{path}: the link '{match[1]}' leads nowhere")
    parts = re.split(r"(^```.*?^```$|`[^`\n]+`)", text, flags=re.S | re.M)
    text = "".join(part if i % 2 else LINK.sub(link, part) for i, part in enumerate(parts))
    return text


def for_programs(path, text, listed):
    """The page as text, with links to texts."""
    return re.sub(r"(?<!!)\[([^\]]*)\]\(repository:\)", r"\1", relink(path, text, listed, ".md"))


def converter():
    md = markdown.Markdown(extensions=["tables", "fenced_code", "sane_lists", TocExtension(slugify=anchor, toc_depth="2-3")])
    md.preprocessors.deregister("html_block")
    md.inlinePatterns.deregister("html")
    return md


def convert(path, text, listed):
    """(title, body, list of sections)"""
    md = converter()
    body = md.convert(relink(path, text, listed))
    body = re.sub(r'<a href="repository:">(.*?)</a>', r"\1", body, flags=re.S)
    body = re.sub(r' style="text-align: (left|right|center);"', r' class="\1"', body)
    body = body.replace("<th></th>", "<td></td>")  # nothing is no heading
    body = re.sub(r"<table>(.*?)</table>", r'<div class="wide" tabindex="0"><table>\1</table></div>', body, flags=re.S)
    if inline := re.search(r'\s(?:style|on\w+)="|<(?:script|style)\b', PLAIN_CODE.sub("", body)):
        raise Refused(f"{path}: '{inline[0].strip()}' would not pass the policy")
    title = re.search(r"^# (.*)$", text, re.M)
    if not title:
        raise Refused(f"{path} has no title")
    return re.sub(r"`", "", title[1]), body, md.toc_tokens


PLAIN_CODE = re.compile(r"<code.*?</code>", re.S)


def plain(fragment):
    return " ".join(html.unescape(PLAIN.sub(" ", fragment)).split())


def sections(page, title, body):
    """What the search finds: one entry for each heading, with the text below it."""
    pieces = re.split(r'<h[1-4] id="([^"]+)">(.*?)</h[1-4]>', body, flags=re.S)
    for i in range(1, len(pieces), 3):
        yield {"page": page, "title": title, "anchor": pieces[i], "heading": plain(pieces[i + 1]),
               "text": plain(pieces[i + 2])[:SECTION_TEXT_MAX]}


def navigation(book, titles, current):
    out = []
    for chapter, pages in book:
        out.append(f"<h2>{html.escape(chapter)}</h2><ol>")
        for path, name, _ in pages:
            here = ' aria-current="page"' if path == current else ""
            out.append(f'<li><a href="{output_of(path)}"{here}>{html.escape(name)}</a></li>')
        out.append("</ol>")
    return "".join(out)


def contents(tokens):
    inner = tokens[0]["children"] if tokens and tokens[0]["level"] == 1 else tokens
    items = [f'<li><a href="#{t["id"]}">{t["name"]}</a></li>' for t in inner if t["level"] == 2]
    return f'<nav class="contents" aria-label="On this page"><ul>{"".join(items)}</ul></nav>' if len(items) > 2 else ""


def neighbours(order, titles, current):
    if current not in order:
        return f'<p class="next"><a rel="next" href="{output_of(order[0])}">{html.escape(titles[order[0]])}</a></p>'
    at, out = order.index(current), []
    for step, word in ((-1, "prev"), (1, "next")):
        if 0 <= at + step < len(order):
            path = order[at + step]
            out.append(f'<a rel="{word}" href="{output_of(path)}">{html.escape(titles[path])}</a>')
    return f'<p class="next">{" ".join(out)}</p>'


def fill(template, **values):
    for name, value in values.items():
        template = template.replace("{{" + name + "}}", value)
    return template


def write_for_programs(out, book, texts):
    """llms.txt, as llmstxt.org describes it: what there is, with a sentence each; llms-full.txt: all of it."""
    lines = ["# OutLayer", "", "> Off-chain computation for NEAR contracts: a contract names a repository, a worker builds it to",
             "> WebAssembly in a sandbox and runs it metered, and the answer comes back in the same chain of promises.", "",
             "The coordinator that serves these pages has a public API below `/public/`, which needs no key; what it",
             "answers is described in coordinator-api.md. Requests are made on the chain, not here.", ""]
    for chapter, pages in book:
        lines += [f"## {chapter}", ""]
        lines += [f"- [{name}](/docs/{output_of(path)[:-5]}.md){': ' + about if about else ''}" for path, name, about in pages]
        lines.append("")
    (out / "llms.txt").write_text("\n".join(lines))
    order = [path for _, pages in book for path, _, _ in pages]
    (out / "llms-full.txt").write_text("\n\n".join(f"<!-- {p} -->\n{texts[p].strip()}" for p in order) + "\n")


def compress(out):
    """X.gz beside each X that becomes smaller by it, for whoever takes it so; the same bytes each time."""
    for path in sorted(p for p in out.iterdir() if p.suffix != ".png"):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def make(out):
    book = chapters(pathlib.Path(INDEX).read_text())
    order = [path for _, pages in book for path, _, _ in pages]
    listed = {INDEX, *order}
    check_listed(listed)
    texts = {path: pathlib.Path(path).read_text() for path in listed}
    pages = {path: convert(path, text, listed) for path, text in texts.items()}
    texts = {path: for_programs(path, text, listed) for path, text in texts.items()}
    titles = {path: title for path, (title, _, _) in pages.items()}
    template, found = (ASSETS / "page.html").read_text(), []
    for path in [INDEX, *order]:
        title, body, tokens = pages[path]
        (out / output_of(path)).write_text(fill(
            template, title=html.escape(title), navigation=navigation(book, titles, path), contents=contents(tokens),
            neighbours=neighbours(order, titles, path), body=body))
        (out / (output_of(path)[:-5] + ".md")).write_text(texts[path])
        found += sections(output_of(path), title, body)
    for name in ("book.css", "book.js"):
        shutil.copy(ASSETS / name, out / name)
    for path, name in pictures().items():
        shutil.copy(path, out / name)
    (out / "search.json").write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")))
    write_for_programs(out, book, texts)
    compress(out)
    return len(order)


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).parent.parent)
    target = pathlib.Path(sys.argv[1])
    draft = target.with_name(target.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        count = make(draft)
    except Refused as why:
        sys.exit(f"book: {why}")
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    print(f"book: {count} pages in {target}")
