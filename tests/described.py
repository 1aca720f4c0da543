# SPDX-License-Identifier: Apache-2.0
"""Whether an answer of a coordinator is what docs/openapi.json says of its route. kit.http asks this of each answer of
the coordinators that a test has started, so that all black-box tests hold the description to what is really sent."""
import functools, json, os, re, urllib.parse

try:
    import jsonschema
except ImportError:  # tests of other parts run without it; api_test.py says that it is missing
    jsonschema = None

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
METHODS = ("get", "post", "put", "delete")


@functools.lru_cache
def document():
    with open(os.path.join(ROOT, "docs/openapi.json")) as f:
        return json.load(f)


@functools.lru_cache
def patterns():
    """(compiled path, its operations), those with fewer parameters first."""
    def compiled(path):
        parts = re.split(r"(\{\w+\})", path)
        return re.compile("".join("[^/]+" if p.startswith("{") else re.escape(p) for p in parts) + "$")
    paths = sorted(document()["paths"].items(), key=lambda item: item[0].count("{"))
    return [(compiled(path), operations) for path, operations in paths]


@functools.lru_cache(maxsize=256)
def validator(text):
    schema = {**json.loads(text), "components": document()["components"]}
    return jsonschema.Draft202012Validator(schema)


def responses_of(method, path):
    for pattern, operations in patterns():
        if pattern.match(path) and method.lower() in operations:
            return operations[method.lower()]["responses"]
    return {"default": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}}


def fault(method, url, status, headers, body):
    """None, or what is wrong with the answer, in a sentence."""
    if not jsonschema or method.lower() not in METHODS:
        return None
    if headers.get("Content-Security-Policy"):  # a page for people
        return None
    path = urllib.parse.urlsplit(url).path
    responses = responses_of(method, path)
    if status >= 400 and str(status) not in responses:
        status = "default"
    answer = responses.get(str(status))
    if answer is None:
        return f"{method} {path}: status {status} is not described"
    if status == 304 or "content" not in answer:
        return f"{method} {path}: there is a body" if body else None
    sent = (headers.get("Content-Type") or "").split(";")[0]
    if sent not in answer["content"]:
        return f"{method} {path}: {sent!r} is not described, only {', '.join(answer['content'])}"
    if sent != "application/json":
        return None
    return wrong_json(f"{method} {path}", answer["content"][sent]["schema"], body)


def wrong_json(where, schema, body):
    try:
        value = json.loads(body)
    except ValueError as e:
        return f"{where}: no JSON: {e}"
    for error in validator(json.dumps(schema)).iter_errors(value):
        return f"{where}: {error.json_path}: {error.message[:300]}"
    return None
