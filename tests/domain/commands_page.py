"""The table of commands in docs/mail-commands.md comes from the table of verbs: python -m tests.domain.commands_page"""

from pathlib import Path

from maild.domain.commands.table import reference_table

PAGE = Path(__file__).parents[2] / "docs" / "mail-commands.md"
BEGINS, ENDS = "<!-- commands: from the table of verbs -->\n", "<!-- /commands -->\n"


def renewed(page: str) -> str:
    """The page with the table as it should be. ValueError without the two marks around it."""
    before, _, rest = page.partition(BEGINS)
    _, found, after = rest.partition(ENDS)
    if not found:
        raise ValueError(f"{PAGE.name} needs the lines {BEGINS.strip()} and {ENDS.strip()} around its table")
    return f"{before}{BEGINS}\n{reference_table()}\n{ENDS}{after}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
