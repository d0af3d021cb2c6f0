"""Renders a notice from its context: text and HTML, from the admin's templates first, the shipped ones second.

The context is plain JSON, frozen at the event; templates/README.md lists its keys. Names of templates and keys are in
use for years, so a new key gets a default here."""

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
MAX_TEXT = 500_000  # characters of one value of the context; a longer one is cut and says so
MAX_OUTPUT = 4_000_000  # characters of one part

TEMPLATES = tuple(MAIL_KINDS)

_ENTRY_DEFAULTS = {"kind": "message", "at": "", "attachments": (), "folded_lines": 0}
# Keys that a section may leave out; mails that an older version queued have no charts.
_SECTION_DEFAULTS = {"note": "", "rows": (), "lines": (), "text": "", "entries": (), "charts": ()}
# Keys that a context may leave out. It must have `helpdesk`, `ticket` and `recipient`.
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
    """The two parts of a mail. Every line ends with a newline."""

    text: str
    html: str


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """A fault that `lint` found: the template file, the name of the example context, and what is wrong."""

    template: str
    case: str
    message: str

    def __str__(self) -> str:
        return f"{self.template} ({self.case}): {self.message}"


class TemplateFailed(Exception):
    """A template cannot be rendered. `template` is the file, `line` the place in it (0 if unknown)."""

    def __init__(self, template: str, line: int, reason: str) -> None:
        super().__init__(f"{template}:{line}: {reason}" if line else f"{template}: {reason}")
        self.template = template
        self.line = line
        self.reason = reason


def _has_html(template: str) -> bool:
    """A pager shows no HTML."""
    return template not in MAIL_KINDS or MAIL_KINDS[template].to is not Reader.PAGER


class Renderer:
    """Renders notices. Several threads may share it.

    `folder` has the admin's templates; a file that is missing there comes from the shipped ones. Templates can name
    those as shipped/NAME. A changed file counts from the next mail on."""

    def __init__(self, folder: Path | None = None) -> None:
        shipped = PartLoader(str(shipped_templates()))
        own = [PartLoader(str(folder))] if folder else []
        loader = ChoiceLoader([*own, shipped, PrefixLoader({SHIPPED_PREFIX: shipped})])
        self._sandbox = Sandbox(loader, FILTERS)

    def render(self, template: str, context: Mapping[str, Any]) -> Rendered:
        """Render the notice `template`: one of TEMPLATES, or shipped/NAME. A template in TEXT_ONLY has the HTML "".

        Raises TemplateFailed."""
        words = _completed(template, context)
        text = self._part(f"{template}.txt.j2", words).strip("\n") + "\n"
        if not _has_html(template.removeprefix(f"{SHIPPED_PREFIX}/")):
            return Rendered(text, "")
        return Rendered(text, self._part(f"{template}.html.j2", words).strip() + "\n")

    def lint(self) -> list[TemplateProblem]:
        """Render every template with every example context -> the faults of all."""
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
        """Render one template file, within the budget of steps and of characters."""
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
            # A template is the admin's program: any exception is its failure, and the place is known.
            raise _failed(name, failure) from failure
        return "".join(made)


def shipped_templates() -> Path:
    """Return the folder of the shipped templates: in an installed package inside it, in a checkout beside it."""
    package = Path(str(resources.files("maild")))
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


def fixtures() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the example contexts for lint, preview and tests: template -> case -> context."""
    with (shipped_templates() / "fixtures.json").open(encoding="utf-8") as file:
        stored = json.load(file)
    return {
        template: {case: _overlaid(stored["common"], changes) for case, changes in cases.items()}
        for template, cases in stored["cases"].items()
    }


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two records; values of `above` win, and nested records are merged too."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _overlaid(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _completed(template: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context with all defaults put in. Raises TemplateFailed for a version from a newer maild."""
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
    """Return `value` as plain JSON. Raises TemplateFailed for anything else.

    An object would open its attributes to templates, and Markup would not be escaped. `where` names the value."""
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
    """Turn what a template raised into a TemplateFailed with its place."""
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
    """Return (file, line) of the innermost template in a traceback. Jinja2 puts the names of template files there."""
    found = ("", 0)
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path.endswith(".j2"):
            found = (_file_name(path), trace.tb_lineno)
        trace = trace.tb_next
    return found


def _file_name(path: str) -> str:
    """The name without its folder."""
    return Path(path).name
