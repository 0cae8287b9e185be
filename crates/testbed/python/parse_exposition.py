"""Reads one metrics page from stdin with the reference parser; prints it as JSON.

The parser lets two mistakes pass that a server stumbles over, so they are looked for
here as well: the same series twice, and a bucket bound that is not spelled as a float
(`le="1"` beside `le="1.0"` would be two series after a scrape).
"""

import json
import math
import sys

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.utils import floatToGoString


def number(value):
    """JSON has no words for the values that are not numbers: spell them."""
    value = float(value)
    return value if math.isfinite(value) else floatToGoString(value)


def exemplar(found):
    if found is None:
        return None
    timestamp = None if found.timestamp is None else float(found.timestamp)
    return {"labels": found.labels, "value": number(found.value), "timestamp": timestamp}


def family(found):
    samples = []
    for sample in found.samples:
        timestamp = None if sample.timestamp is None else float(sample.timestamp)
        samples.append(
            {
                "name": sample.name,
                "labels": sample.labels,
                "value": number(sample.value),
                "timestamp": timestamp,
                "exemplar": exemplar(sample.exemplar),
            }
        )
    return {
        "name": found.name,
        "type": found.type,
        "help": found.documentation,
        "unit": found.unit,
        "samples": samples,
    }


def refuse_dropped_lines(families, text):
    """The parser drops a repeated series in silence, so the lines are counted."""
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    parsed = sum(len(each["samples"]) for each in families)
    if len(lines) != parsed:
        raise ValueError(f"duplicate series: {len(lines)} sample lines, {parsed} samples")


def refuse_duplicates(families):
    names, seen = set(), set()
    for each in families:
        if each["name"] in names:
            raise ValueError(f"duplicate family: {each['name']}")
        names.add(each["name"])
        for sample in each["samples"]:
            series = (sample["name"], tuple(sorted(sample["labels"].items())))
            if series in seen:
                raise ValueError(f"duplicate series: {series}")
            seen.add(series)


def refuse_odd_bounds(families):
    for each in families:
        for sample in each["samples"]:
            bound = sample["labels"].get("le")
            is_bucket = each["type"] == "histogram" and sample["name"].endswith("_bucket")
            if is_bucket and bound != floatToGoString(bound):
                raise ValueError(f"bucket bound {bound!r} should be {floatToGoString(bound)!r}")


def main():
    text = sys.stdin.buffer.read().decode("utf-8")
    is_openmetrics = sys.argv[1] == "openmetrics"
    parse = parse_openmetrics if is_openmetrics else parse_text
    try:
        families = [family(found) for found in parse(text)]
        refuse_duplicates(families)
        refuse_dropped_lines(families, text)
        if is_openmetrics:
            refuse_odd_bounds(families)
    except (ValueError, KeyError, IndexError) as problem:
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
        return 3
    json.dump(families, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
