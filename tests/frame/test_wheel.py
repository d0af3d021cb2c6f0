"""An installed maild has everything that the checkout has: modules, migrations and the shipped mail texts."""

import subprocess
import sys
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def files_below(folder: Path) -> set[str]:
    return {
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_the_wheel_carries_the_package_and_the_templates(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(build, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("maild/")}
    package = {f"maild/{name}" for name in files_below(CHECKOUT / "maild")}
    templates = {f"maild/templates/{name}" for name in files_below(CHECKOUT / "templates")}
    assert templates, "the checkout ships no templates"
    assert packed == package | templates
