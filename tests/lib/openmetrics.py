# SPDX-License-Identifier: Apache-2.0
"""A strict reader of OpenMetrics text 1.0.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/, "Text format"), for the types that orlop
writes and those beside them: what the specification forbids is Invalid."""
import collections
import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
REAL = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|[0-9]*\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NUMBER = rf"(?:{REAL}|[+-]?(?i:inf|infinity)|(?i:nan))"
ESCAPED = r'(?:[^\n"\\]|\\.)*'
DESCRIPTOR = re.compile(rf"# (TYPE|UNIT|HELP) ({NAME}) (.*)")
SAMPLE = re.compile(rf'({NAME})(?:\{{((?:{LABEL}="{ESCAPED}"(?:,{LABEL}="{ESCAPED}")*)?)\}})? ({NUMBER})(?: ({REAL}))?')
LABELS = re.compile(rf'({LABEL})="({ESCAPED})"(?:,|$)')

# what is behind the family's name in the names of its samples
SUFFIXES = {"counter": ("_total", "_created"), "gauge": ("",), "unknown": ("",), "info": ("_info",), "stateset": ("",),
            "summary": ("", "_count", "_sum", "_created"), "histogram": ("_bucket", "_count", "_sum", "_created"),
            "gaugehistogram": ("_bucket", "_gcount", "_gsum")}


class Invalid(Exception):
    pass


class Family:
    def __init__(self, name):
        self.name, self.type, self.unit, self.help = name, None, None, None
        self.samples = {}  # (name, labels as a sorted tuple of pairs) -> value

    def value(self, **labels):
        """The one sample with exactly these labels."""
        found = [v for (_, pairs), v in self.samples.items() if dict(pairs) == labels]
        assert len(found) == 1, (self.name, labels, list(self.samples))
        return found[0]

    def labels(self):
        return [dict(pairs) for _, pairs in self.samples]


def unescape(text):
    """Undefined escapes are allowed to readers but not to us, who write: they are faults here."""
    def one(match):
        if match.group(1) not in 'n"\\':
            raise Invalid(f"escape \\{match.group(1)}")
        return "\n" if match.group(1) == "n" else match.group(1)
    return re.sub(r"\\(.)", one, text, flags=re.S)


def describe(family, kind, text):
    """One line of metadata."""
    attribute = kind.lower()
    if getattr(family, attribute) is not None:
        raise Invalid(f"{kind} of {family.name} twice")
    if family.samples:
        raise Invalid(f"{kind} of {family.name} after its samples")
    if kind == "TYPE" and text not in SUFFIXES:
        raise Invalid(f"type {text}")
    if kind == "UNIT" and text and not re.fullmatch(r"[a-zA-Z0-9_:]+", text):
        raise Invalid(f"unit {text}")
    if kind == "UNIT" and text and not family.name.endswith("_" + text):
        raise Invalid(f"the unit {text} is not the end of {family.name}")
    if kind == "HELP" and not re.fullmatch(ESCAPED, text):
        raise Invalid(f"help {text!r}")
    setattr(family, attribute, unescape(text) if kind == "HELP" else text)


def belongs(family, name):
    return name in [family.name + suffix for suffix in SUFFIXES[family.type or "unknown"]]


def add_sample(family, match):
    name, text, number, _ = match.groups()
    pairs = [(label, unescape(value)) for label, value in LABELS.findall(text or "")]
    if len({label for label, _ in pairs}) != len(pairs):
        raise Invalid(f"a label of {name} twice")
    if any(label.startswith("__") for label, _ in pairs):
        raise Invalid(f"a reserved label of {name}")
    value = float(number) if re.search("[.eEnN]", number) else int(number)
    if family.type == "counter" and (math.isnan(value) or value < 0):
        raise Invalid(f"the counter {name} is {number}")
    key = (name, tuple(sorted(pairs)))
    if key in family.samples:
        raise Invalid(f"{name} twice with {pairs}")
    family.samples[key] = value


def check_clashes(families):
    """No two families have a sample of one name."""
    names = collections.Counter(f.name + suffix for f in families.values() for suffix in SUFFIXES[f.type or "unknown"])
    clash = [name for name, count in names.items() if count > 1]
    if clash:
        raise Invalid(f"names of two families: {clash}")


def parse(data):
    """Name -> Family of an exposition in bytes."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as why:
        raise Invalid(why) from why
    if text.startswith("\ufeff") or "\r" in text:
        raise Invalid("a byte order mark, or carriage returns")
    if not text.endswith("# EOF\n") and not text.endswith("# EOF"):
        raise Invalid("no EOF at the end")
    lines = text.removesuffix("\n").split("\n")
    families, current = {}, None
    for line in lines[:-1]:
        match = DESCRIPTOR.fullmatch(line) or (None if line.startswith("#") else SAMPLE.fullmatch(line))
        if match is None:
            raise Invalid(f"line {line!r}")
        is_sample = not line.startswith("#")
        name = match.group(1) if is_sample else match.group(2)
        if not (current and (belongs(current, name) if is_sample else current.name == name)):
            if name in families:
                raise Invalid(f"{name} in two places")
            current = families[name] = Family(name)
            if is_sample and not belongs(current, name):
                raise Invalid(f"sample {name}")
        if is_sample:
            add_sample(current, match)
        else:
            describe(current, match.group(1), match.group(3))
    check_clashes(families)
    return families
