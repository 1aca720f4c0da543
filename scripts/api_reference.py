#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/api-reference.md from docs/openapi.json, which `make api` has written from the coordinator's tables.
--check: writes nothing, and says where the page is another one."""
import json, os, sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE, PAGE = os.path.join(ROOT, "docs/openapi.json"), os.path.join(ROOT, "docs/api-reference.md")
HEAD = """# Routes of the coordinator

Every route, with what it takes and answers. This page is made from the coordinator's own tables (`make api`), by which it
checks what it is asked, too; `/openapi.json` has the same for programs. What the routes mean together, which are limited
how, and what becomes of an execution: [coordinator-api.md](coordinator-api.md).

What is wrong is answered in one form on every path, `{"error":{"code","message","hint"}}`. A parameter that a path does
not have, or has twice, is refused. Answers have the members that are named here and no others, but where it says so.
A member in *italics* may be missing; `| null` says what may be null.
"""


def name_of(schema):
    """A schema in a few characters."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    for several, between in (("anyOf", " \\| "), ("oneOf", " or ")):
        if several in schema:
            return between.join(name_of(s) for s in schema[several])
    kind = schema.get("type", "anything")
    if "enum" in schema:
        return " ".join(f"`{w}`" for w in schema["enum"])
    if kind == "array":
        return f"list of {name_of(schema['items'])}"
    if kind == "integer":
        least, most = schema.get("minimum", 0), schema.get("maximum")
        return "number" if most in (None, 2**63 - 1) and not least else f"number from {least} to {most}"
    if kind == "string":
        pattern = schema.get("pattern", "")
        return "decimal text" if "20" in pattern else "amount" if "39" in pattern else "hash" if "64" in pattern else "account" if pattern else "text"
    return {"boolean": "true or false"}.get(kind, kind)


def parameters_of(operation):
    rows = []
    for p in operation["parameters"]:
        name = f"`{p['name']}`" if p["required"] else f"*`{p['name']}`*"
        rows.append(f"{name} ({name_of(p['schema'])}): {p['description']}")
    body = operation.get("requestBody")
    if body:
        kind, content = next(iter(body["content"].items()))
        what = name_of(content["schema"]) if kind == "application/json" else f"`{kind}`"
        rows.append(f"body: {what}, at most {body['x-max-bytes']} bytes")
    return "<br>".join(rows)


def answers_of(operation):
    rows = []
    for status, answer in operation["responses"].items():
        if status == "default":
            continue
        kind, content = next(iter(answer.get("content", {"": {}}).items()))
        what = name_of(content["schema"]) if kind == "application/json" else f"`{kind}`" if kind else "nothing"
        rows.append(f"{status}: {what}")
    return "<br>".join(rows)


def routes(document):
    tags = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tags.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    for tag, rows in tags.items():
        yield f"\n## /{tag}\n\n| route | what | takes | answers |\n|---|---|---|---|\n"
        for method, path, operation in rows:
            what = operation["summary"]
            if "x-scopes" in operation:
                what += f" Wants a token for {operation['x-scopes'].replace(',', ', ')}."
            yield f"| {method} {path} | {what} | {parameters_of(operation)} | {answers_of(operation)} |\n"


def schemas(document):
    yield "\n## Forms\n"
    for name, schema in document["components"]["schemas"].items():
        yield f"\n### {name}\n\n{schema['description']}"
        rest = schema["additionalProperties"]
        yield f" Other members may be there{': plain values and lists of them' if isinstance(rest, dict) else ''}.\n\n" if rest else "\n\n"
        yield "| member | is | what |\n|---|---|---|\n"
        for member, value in schema["properties"].items():
            shown = f"`{member}`" if member in schema["required"] else f"*`{member}`*"
            yield f"| {shown} | {name_of(value)} | {value.get('description', '')} |\n"


def page():
    with open(SOURCE) as f:
        document = json.load(f)
    return HEAD + "".join(routes(document)) + "".join(schemas(document))


def main():
    wanted = page()
    if sys.argv[1:] == ["--check"]:
        with open(PAGE) as f:
            if f.read() != wanted:
                print("docs/api-reference.md is not what docs/openapi.json gives: run make api")
        return
    with open(PAGE, "w") as f:
        f.write(wanted)


if __name__ == "__main__":
    main()
