# SPDX-License-Identifier: Apache-2.0
"""Reads what a daemon shows at /metrics, as strictly as Prometheus' text format is written down: a HELP and a TYPE before
the series of each metric, every series once, only known types, histograms that add up."""
import math, re

import kit

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"'
SERIES = re.compile(rf"({NAME})(?:\{{({LABELS}(?:,{LABELS})*)\}})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|NaN)")
SERIES_MAX = 2000


def parse(text):
    """{"name{labels}": value}; ValueError says which line is not as it must be."""
    series, types, helps, current = {}, {}, set(), None
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    for line in text[:-1].split("\n"):
        head = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line)
        if head and head[1] == "HELP":
            if head[2] in helps:
                raise ValueError(f"twice: {line}")
            helps.add(head[2])
        elif head:
            if head[2] in types or head[2] not in helps or head[3] not in ("counter", "gauge", "histogram"):
                raise ValueError(f"type: {line}")
            types[head[2]], current = head[3], head[2]
        else:
            m = SERIES.fullmatch(line)
            if not m:
                raise ValueError(f"no series: {line!r}")
            base = re.sub(r"_(bucket|sum|count)$", "", m[1]) if types.get(current) == "histogram" else m[1]
            key = m[1] + (f"{{{m[2]}}}" if m[2] else "")
            if base != current or key in series:
                raise ValueError(f"out of place: {line}")
            series[key] = float(m[3])
    for name, kind in types.items():
        check_metric(series, name, kind)
    if len(series) > SERIES_MAX:
        raise ValueError(f"{len(series)} series")
    return series


def check_metric(series, name, kind):
    own = {k: v for k, v in series.items() if re.match(rf"{name}(_bucket|_sum|_count)?(\{{|$)", k)}
    if any(math.isnan(v) for v in own.values()) or (kind != "gauge" and any(v < 0 for v in own.values())):
        raise ValueError(f"{name} counts backwards")
    if kind == "counter" and not name.endswith("_total"):
        raise ValueError(f"{name} is a counter and does not end with _total")
    for k, v in own.items() if kind == "histogram" else ():
        if k.startswith(name + "_count"):
            last = k.replace("_count", "_bucket", 1)
            last = last[:-1] + ',le="+Inf"}' if "{" in last else last + '{le="+Inf"}'
            if own.get(last) != v:
                raise ValueError(f"{k} is {v} and its last bucket {own.get(last)}")


def read(status_url):
    """The figures of the daemon whose operator asks there."""
    status, headers, body = kit.get(status_url + "/metrics")
    if status != 200 or not headers["Content-Type"].startswith("text/plain; version=0.0.4"):
        raise ValueError(f"{status} {headers['Content-Type']}")
    return parse(body.decode())


def total(series, name, **labels):
    """The sum of a metric's series that have these labels."""
    return sum(v for k, v in series.items() if re.match(rf"{name}(\{{|$)", k)
               and all(f'{n}="{w}"' in k for n, w in labels.items()))
