"""What a template is stands in one table, and nothing else goes by the name of a template."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from maild.domain.notices.mail_kinds import MAIL_KINDS, MailKind, Nature, Reader, Shows, templates_where
from tests.rig.misses import in_turn

CHECKOUT = Path(__file__).parents[2]
TABLE = CHECKOUT / "maild" / "domain" / "notices" / "mail_kinds.py"
# What mails share; they are no mails themselves.
SHARED = {"charts", "partials", "layout_agent", "layout_customer", "layout_letter", "layout_base", "words"}


def files(ending: str) -> set[str]:
    return {path.name.removesuffix(ending) for path in (CHECKOUT / "templates").glob(f"*{ending}")} - SHARED


def test_every_template_has_a_row_and_every_row_a_template():
    assert files(".txt.j2") == set(MAIL_KINDS)


def test_every_mail_that_is_no_page_has_an_html_part():
    assert files(".html.j2") == set(templates_where(lambda kind: kind.to is not Reader.PAGER))


def test_every_row_says_why():
    assert [template for template, kind in MAIL_KINDS.items() if not kind.why] == []


CUSTOMERS = {"acknowledgement", "reply", "closed", "status", "history", "waiting-reminder", "monthly-report"}
PROPERTIES = {
    "who reads it outside": (lambda kind: kind.to is Reader.CUSTOMER, CUSTOMERS),
    "who reads it on a pager": (lambda kind: kind.to is Reader.PAGER, {"page"}),
    "a person wrote it": (lambda kind: kind.nature is Nature.WORDS, {"reply", "history"}),
    "it shows the whole thread": (lambda kind: kind.shows is Shows.THREAD, {"history"}),
    "it has files": (lambda kind: kind.files, {"reply", "new-ticket", "message", "note", "assigned"}),
    "its delivery is the entry's": (lambda kind: kind.delivers, {"reply"}),
    "it repeats its reader's words": (lambda kind: kind.says_back, {"feedback", "held", "was-this-you"}),
    "it tells what became of commands": (lambda kind: kind.transcript, {"feedback"}),
    "it offers another ticket's answer": (lambda kind: kind.offers, {"new-ticket"}),
    "a quicker answer takes its place": (lambda kind: kind.overtaken, {"acknowledgement"}),
    "it is an answer that is limited": (lambda kind: kind.counted == "answer", {"acknowledgement", "status"}),
    "it says that answers are stopped": (lambda kind: kind.counted == "alarm", {"answers-stopped"}),
    "it answers a mail about a ticket": (
        lambda kind: kind.has_null_path(about_ticket=True),
        {"acknowledgement", "status", "feedback", "list"},
    ),
    "it answers a mail about no ticket": (
        lambda kind: kind.has_null_path(about_ticket=False),
        {"acknowledgement", "status", "feedback", "list", "held", "was-this-you"},
    ),
}


@in_turn("what", PROPERTIES)
def test_a_property_belongs_to_these_templates(what: str):
    has, templates = PROPERTIES[what]
    assert set(templates_where(has)) == templates


def test_a_mail_to_a_customer_shows_no_text_that_a_program_chose():
    shown = templates_where(lambda kind: kind.to is Reader.CUSTOMER and kind.shows is not Shows.NOTHING)
    assert all(MAIL_KINDS[template].nature is Nature.WORDS for template in shown)


@pytest.mark.parametrize(
    ("nature", "about_ticket", "header", "null_path"),
    [
        (Nature.WORDS, True, "", False),
        (Nature.ANSWER, True, "auto-replied", True),
        (Nature.ANSWER, False, "auto-replied", True),
        (Nature.QUESTION, True, "auto-generated", False),
        (Nature.QUESTION, False, "auto-replied", True),
        (Nature.NOTICE, True, "auto-generated", False),
        (Nature.NOTICE, False, "auto-generated", False),
    ],
)
def test_who_speaks_decides_header_and_reverse_path(nature: Nature, about_ticket: bool, header: str, null_path: bool):
    kind = MailKind(to=Reader.AGENT, nature=nature, why="a test")
    assert kind.auto_submitted(about_ticket=about_ticket) == header
    assert kind.has_null_path(about_ticket=about_ticket) is null_path


# -- nobody else goes by the name -----------------------------------------------------------------------------------

# Names that mean nothing but a template: those without a namesake among entries, states and verbs.
_UNMISTAKABLE = set(MAIL_KINDS) - {"message", "reply", "note", "closed", "status", "list", "held", "history", "digest"}


def comparisons(source: str, path: str) -> Iterator[str]:
    """Where a module compares a template with a name, or lists templates by name."""
    for node in ast.walk(ast.parse(source, path)):
        if isinstance(node, ast.Compare) and _compares_a_name([node.left, *node.comparators]):
            yield f"{path}:{node.lineno} compares a template with a name: give the table a property"
        elif isinstance(node, ast.Match) and _is_template(node.subject):
            yield f"{path}:{node.lineno} matches a template by name: give the table a property"
        elif isinstance(node, ast.Set | ast.Tuple | ast.List) and _lists_templates(node.elts):
            yield f"{path}:{node.lineno} lists templates by name: give the table a property"


def _is_template(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name == "template"


def _compares_a_name(operands: list[ast.expr]) -> bool:
    return any(map(_is_template, operands)) and any(map(_is_name, operands))


def _is_name(node: ast.expr) -> bool:
    """A name written out, a constant, or a collection of such; to ask whether the table has a row is allowed."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.Name):
        return node.id.isupper() and node.id != "MAIL_KINDS"
    if isinstance(node, ast.BinOp):
        return _is_name(node.left) or _is_name(node.right)
    return isinstance(node, ast.Set | ast.Tuple | ast.List) and any(map(_is_name, node.elts))


def _lists_templates(elements: list[ast.expr]) -> bool:
    names = [element.value for element in elements if isinstance(element, ast.Constant)]
    return len(names) == len(elements) > 1 and set(names) <= set(MAIL_KINDS) and bool(set(names) & _UNMISTAKABLE)


def test_no_other_module_goes_by_the_name_of_a_template():
    modules = (path for path in (CHECKOUT / "maild").rglob("*.py") if path != TABLE)
    found = [line for path in modules for line in comparisons(path.read_text(encoding="utf-8"), path.name)]
    assert found == []


@in_turn(
    "source",
    [
        'if notice.template == "page": ...',
        "if row.template == PAGE: ...",
        'shown = None if notice.template in {"closed", "status"} else entry',
        'if notice.template in WITHOUT_TEXT | {"feedback"}: ...',
        'query.where(outbox.c.template == "history")',
        'match notice.template:\n    case "reply": ...',
        '_SAYS_BACK = ("feedback", "held", "was-this-you")',
        '_ANSWERS = frozenset({"acknowledgement", "status"})',
    ],
)
def test_a_module_that_does_is_found(source: str):
    assert len(list(comparisons(source, "made_up.py"))) == 1


@in_turn(
    "source",
    [
        'notice = Notice(template="closed")',
        "lead = each.template == one.template",
        "query.where(outbox.c.template == template)",
        "if template is not None: ...",
        "if template not in MAIL_KINDS: ...",
        'mine = mail.header("x-maild-reason") == template',
        'names = ("status", "priority")',
        'inside = entry.kind in {"note", "reply"}',
    ],
)
def test_choosing_a_template_is_no_test_of_its_name(source: str):
    assert list(comparisons(source, "made_up.py")) == []
