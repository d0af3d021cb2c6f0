"""Notice and context become text and HTML: the admin's templates first, the shipped ones second.

The context is plain JSON, frozen at the event (templates/README.md lists its keys); the shapes of template names and
context live for years, so new keys come with a default here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import ChoiceLoader, PrefixLoader, TemplateNotFound, TemplateSyntaxError
from jinja2.exceptions import SecurityError

from maild.domain.notices.mail_kinds import MAIL_KINDS, Reader
from maild.mail.templates.filters import FILTERS
from maild.mail.templates.lint import faults_of_html, faults_of_text
from maild.mail.templates.sandbox import MAX_STEPS, PartLoader, Sandbox, step_budget

CONTEXT_VERSION = 1
SHIPPED_PREFIX = "shipped"
MAX_TEXT = 500_000  # characters of one value of the context; longer ones are cut, and say so
MAX_OUTPUT = 4_000_000  # characters of one part

TEMPLATES = tuple(MAIL_KINDS)

_ENTRY_DEFAULTS = {"kind": "message", "at": "", "attachments": (), "folded_lines": 0}
# Of each section; letters that were queued by an older version have no charts.
_SECTION_DEFAULTS = {"note": "", "rows": (), "lines": (), "text": "", "entries": (), "charts": ()}
# Keys that a context may leave out. `helpdesk`, `ticket` and `recipient` it may not.
DEFAULTS: Mapping[str, Any] = {
    "language": "en",
    "timezone": "UTC",
    "signature": "",
    "actor": None,
    "entry": None,
    "earlier": (),
    "last_message": None,
    "answer": None,
    "due": None,
    "changes": (),
    "problems": (),
    "original_text": "",
    "corrected_text": "",
    "fix_mailto": "",
    "receipt": False,
    "results": (),
    "help": "",
    "actions": (),
    "news": (),
    "held": None,
    "reason": "",
    "stop": (),
    "gathered": None,
    "inbound": 0,
    "trace": "",
    "marker": "",
    "quiet": False,
    "title": "",
    "ask": None,
    "worker": None,
    "leave": None,
    "ratings": (),
    "ends_at": "",
    "sections": (),
    "seen_before": None,
    "alarms": None,
    "others": 0,
}
NESTED_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "entry": _ENTRY_DEFAULTS,
    "last_message": _ENTRY_DEFAULTS,
    "ticket": {"team": "", "assignee": "", "sla_plan": "", "closed": False},
    "due": {"left": "", "late": False},
    "answer": {"copies": ()},
    "held": {"reminder": False, "by_other": False},
    "worker": {"name": "", "somebody": False},
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """The two parts of a mail, lines ended by newlines."""

    text: str
    html: str


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """A fault of a template: the file, the fixture it was rendered with, and what is wrong."""

    template: str
    case: str
    message: str

    def __str__(self) -> str:
        return f"{self.template} ({self.case}): {self.message}"


class TemplateFailed(Exception):
    """A template cannot be rendered: `template` the file, `line` in it (0 when unknown), `reason` in words."""

    def __init__(self, template: str, line: int, reason: str) -> None:
        super().__init__(f"{template}:{line}: {reason}" if line else f"{template}: {reason}")
        self.template = template
        self.line = line
        self.reason = reason


def _has_html(template: str) -> bool:
    """A pager shows no HTML."""
    return template not in MAIL_KINDS or MAIL_KINDS[template].to is not Reader.PAGER


class Renderer:
    """Renders notices. `folder` holds the admin's templates; what is not there comes from the shipped ones, which stay
    reachable as shipped/NAME. Changed files are seen at the next mail. May be shared by threads."""

    def __init__(self, folder: Path | None = None) -> None:
        shipped = PartLoader(str(shipped_templates()))
        own = [PartLoader(str(folder))] if folder else []
        loader = ChoiceLoader([*own, shipped, PrefixLoader({SHIPPED_PREFIX: shipped})])
        self._sandbox = Sandbox(loader, FILTERS)

    def render(self, template: str, context: Mapping[str, Any]) -> Rendered:
        """Both parts of the notice `template` (one of TEMPLATES, or shipped/NAME); HTML "" of one that has none.
        TemplateFailed when it cannot be."""
        words = _completed(template, context)
        text = self._part(f"{template}.txt.j2", words).strip("\n") + "\n"
        if not _has_html(template.removeprefix(f"{SHIPPED_PREFIX}/")):
            return Rendered(text, "")
        return Rendered(text, self._part(f"{template}.html.j2", words).strip() + "\n")

    def lint(self) -> list[TemplateProblem]:
        """Every template with every fixture: what cannot be rendered, and what mail clients or readers suffer from."""
        problems = []
        for template, cases in fixtures().items():
            for case, context in cases.items():
                try:
                    mail = self.render(template, context)
                except TemplateFailed as failure:
                    problems.append(TemplateProblem(failure.template, case, f"line {failure.line}: {failure.reason}"))
                    continue
                problems += [TemplateProblem(f"{template}.txt.j2", case, fault) for fault in faults_of_text(mail.text)]
                if _has_html(template):
                    problems += [
                        TemplateProblem(f"{template}.html.j2", case, fault) for fault in faults_of_html(mail.html)
                    ]
        return problems

    def _part(self, name: str, context: Mapping[str, Any]) -> str:
        made: list[str] = []
        length = 0
        try:
            with step_budget(MAX_STEPS):
                for piece in self._sandbox.get_template(name).generate(context):
                    made.append(piece)
                    length += len(piece)
                    if length > MAX_OUTPUT:
                        raise SecurityError(f"more than {MAX_OUTPUT:,} characters")
        except Exception as failure:
            # A template is a program of somebody else's: whatever it raises is its failure, with the place in it.
            raise _failed(name, failure) from failure
        return "".join(made)


def shipped_templates() -> Path:
    """The folder of the shipped templates: inside the package where it was installed, beside it in a checkout."""
    package = Path(str(resources.files("maild")))
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


def fixtures() -> dict[str, dict[str, dict[str, Any]]]:
    """Example contexts, template -> case -> context: for lint, preview and tests."""
    with (shipped_templates() / "fixtures.json").open(encoding="utf-8") as file:
        stored = json.load(file)
    return {
        template: {case: _overlaid(stored["common"], changes) for case, changes in cases.items()}
        for template, cases in stored["cases"].items()
    }


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _overlaid(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _completed(template: str, context: Mapping[str, Any]) -> dict[str, Any]:
    version = context.get("v", CONTEXT_VERSION)
    if version != CONTEXT_VERSION:
        raise TemplateFailed(template, 0, f"context version {version} is unknown here: a newer maild wrote it")
    words = {**DEFAULTS, **{key: _only_words(template, key, value) for key, value in context.items()}}
    words["earlier"] = [{**_ENTRY_DEFAULTS, **each} for each in words["earlier"]]
    words["sections"] = [{**_SECTION_DEFAULTS, **each} for each in words["sections"]]
    for key, defaults in NESTED_DEFAULTS.items():
        if isinstance(words.get(key), dict):
            words[key] = {**defaults, **words[key]}
    return words


def _only_words(template: str, where: str, value: Any) -> Any:
    """`value` as plain JSON: an object would open its attributes to templates, and Markup would not be escaped."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        bare = str.__str__(value)
        cut = len(bare) - MAX_TEXT
        return bare if cut <= 0 else f"{bare[:MAX_TEXT]}\n[… {cut:,} more characters are left out here]"
    if isinstance(value, Mapping):
        return {str(key): _only_words(template, f"{where}.{key}", item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_only_words(template, f"{where}[{index}]", item) for index, item in enumerate(value)]
    raise TemplateFailed(template, 0, f"{where} is a {type(value).__name__}: a context holds JSON values only")


def _failed(name: str, failure: Exception) -> TemplateFailed:
    if isinstance(failure, TemplateNotFound):
        return TemplateFailed(name, 0, f"there is no template {failure.name or name}")
    if isinstance(failure, TemplateSyntaxError):
        return TemplateFailed(
            _file_name(failure.filename or failure.name or name), failure.lineno, str(failure.message)
        )
    place, line = _place(failure.__traceback__)
    reason = str(failure) or type(failure).__name__
    if isinstance(failure, RecursionError):
        reason = "templates or macros call each other without end"
    return TemplateFailed(place or name, line, reason)


def _place(trace: TracebackType | None) -> tuple[str, int]:
    """The innermost template line of a traceback, which Jinja2 has rewritten to the names of template files."""
    found = ("", 0)
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path.endswith(".j2"):
            found = (_file_name(path), trace.tb_lineno)
        trace = trace.tb_next
    return found


def _file_name(path: str) -> str:
    return Path(path).name
