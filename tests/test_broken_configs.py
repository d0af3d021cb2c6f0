"""Every folder of tests/broken_configs is a configuration with mistakes, and the exact lines that tell of them."""

from pathlib import Path

import pytest

from maild.config import ConfigError, load
from tests.rig.misses import in_turn

FOLDERS = sorted(folder for folder in (Path(__file__).parent / "broken_configs").iterdir() if folder.is_dir())


def line_fits(line: str, expected: str) -> bool:
    """An expected line that ends in an ellipsis leaves the rest to a library whose words change."""
    return line.startswith(expected.removesuffix("…")) if expected.endswith("…") else line == expected


@in_turn("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_mistake_is_told_with_its_place_and_remedy(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigError) as caught:
        load(Path("maild.toml"), environ={"PASSWORD": "canary", "KEY": "canary" * 6})
    lines = [str(problem) for problem in caught.value.problems]
    expected = (folder / "expected.txt").read_text(encoding="utf-8").replace("{folder}", str(folder)).splitlines()
    fitting = [line_fits(line, wanted) for line, wanted in zip(lines, expected, strict=False)]
    assert fitting == [True] * max(len(lines), len(expected)), "\n".join(["", *lines])
    assert "canary" not in str(caught.value)


def test_there_are_many_kinds_of_mistakes():
    assert len(FOLDERS) >= 25
