"""Valid TOML in every shape that people write it in, drawn by hypothesis."""

import json
from typing import Any

from hypothesis import strategies as st

WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
BARE = st.text(alphabet="abcXYZ019_-", min_size=1, max_size=5)
COMMENTS = st.sampled_from(["", "", " # words", ' # "quote', " # [table] = { 'x'"])
BLANKS = st.sampled_from(["", " ", "\t", "  "])
NUMBERS = st.one_of(st.integers(-(10**6), 10**6), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
PLAIN = [
    "1979-05-27 07:32:00Z",
    "1979-05-27T07:32:00.5-07:00",
    "1979-05-27",
    "07:32:00",
    "0x1F",
    "1_000",
    "-inf",
    "1e6",
]


def basic(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@st.composite
def texts(draw: st.DrawFn) -> str:
    text = draw(st.one_of(WORDS, st.sampled_from(['a "b"', "c'd", "]", "}", "#", ", =", "[x]", "", "\\"])))
    styles = [basic(text)]
    if "'" not in text:
        styles.append(f"'{text}'")
        styles.append(f"'''\n{text}\n [no.table]\n x = 'y' # '''")
    styles.append('"""\n' + basic(text)[1:-1] + '\\\n   [no.table]\n x = "y" ""\\" """')
    styles.append('"""' + basic(text)[1:-1] + '"""""')
    return draw(st.sampled_from(styles))


@st.composite
def keys(draw: st.DrawFn) -> str:
    key = draw(st.one_of(BARE, BARE, WORDS))
    styles = [basic(key)]
    if "'" not in key:
        styles.append(f"'{key}'")
    if key.isascii() and key.replace("-", "").replace("_", "").isalnum():
        styles.append(key)
    return draw(st.sampled_from(styles[::-1]))


def numbers() -> st.SearchStrategy[str]:
    return NUMBERS.map(lambda value: str(value).lower() if isinstance(value, bool) else repr(value))


@st.composite
def values(draw: st.DrawFn, depth: int = 2) -> str:
    kinds: list[Any] = [texts(), numbers(), st.sampled_from(PLAIN)]
    if depth:
        kinds += [arrays(depth - 1), inline_tables(depth - 1)]
    return draw(st.one_of(kinds))


@st.composite
def arrays(draw: st.DrawFn, depth: int) -> str:
    gaps = st.sampled_from(["", " ", "\n", "\n  # a ] in a comment\n  "])
    elements = draw(st.lists(values(depth), max_size=3))
    parts = [draw(gaps) + element + draw(gaps) for element in elements]
    return "[" + ",".join(parts) + ("," if parts and draw(st.booleans()) else "") + draw(gaps) + "]"


@st.composite
def inline_tables(draw: st.DrawFn, depth: int) -> str:
    pairs = [f"{draw(BLANKS)}{draw(keys())} = {draw(values(depth).filter(lambda v: chr(10) not in v))}{draw(BLANKS)}"]
    return "{" + ",".join(pairs * draw(st.integers(0, 1))) + " }"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A text that is mostly TOML: what repeats a key or table is not, and is for the test to leave out."""
    lines = []
    for _ in range(draw(st.integers(0, 8))):
        blank, comment = draw(BLANKS), draw(COMMENTS)
        name = draw(st.sampled_from([" . ", "."])).join(draw(st.lists(keys(), min_size=1, max_size=3)))
        shape = draw(st.sampled_from(["pair", "pair", "table", "many", "empty"]))
        line = {"pair": f"{name}{blank}= ", "table": f"[{blank}{name}{blank}]", "many": f"[[{name}]]", "empty": ""}[
            shape
        ]
        lines.append(blank + line + (draw(values()) if shape == "pair" else "") + comment)
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)
