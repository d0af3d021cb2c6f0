"""The sandbox that templates run in: few attributes, our own filters, and a budget of steps.

The text of mails is always data here. Templates come from the admin, who is trusted but makes mistakes: a template may
fail, but it can neither reach into the process nor stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_STEPS = 1_000_000  # steps of one mail: each body of a loop, a condition or a macro that is entered is one
MAX_NUMBER = 10**9  # larger numbers are never about mail
MAX_JOINED = 4_000_000  # characters that + may produce

# Jinja2's own filters that a mail needs. `safe` is left out because it would put a stranger's HTML into a mail. So are
# `center`, `format`, `indent`, `replace` and `wordwrap`, which can make gigabytes of a few words, and `attr`, `map` and
# `xmlattr`, which reach attributes.
BUILT_IN_FILTERS = (
    "capitalize default escape e first float int join last length list lower reject rejectattr select selectattr "
    "sort string title trim truncate unique upper"
).split()
# Methods of strings and of records. Nothing else has attributes in templates.
STRING_METHODS = frozenset("startswith endswith lower upper strip lstrip rstrip split splitlines capitalize".split())
MAPPING_METHODS = frozenset("get items keys values".split())

_steps_left: ContextVar[int] = ContextVar("steps_left", default=MAX_STEPS)


class _MeteredCode(CodeGenerator):
    """Compiles templates so that each body that is entered costs a step."""

    def blockvisit(self, nodes: Any, frame: Frame) -> None:
        """Write the code of a body, with the step first; Jinja2 calls this."""
        self.writeline("environment.step()")
        super().blockvisit(nodes, frame)


class Sandbox(ImmutableSandboxedEnvironment):
    """A Jinja2 environment whose templates see words, numbers, lists and records, and no object behind them."""

    code_generator_class = _MeteredCode
    intercepted_binops = frozenset({"+", "*", "**", "%", "//"})

    def __init__(self, loader: BaseLoader, filters: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(
            loader=loader,
            undefined=StrictUndefined,
            autoescape=_is_html,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self.globals.clear()  # range, dict, lipsum, cycler, joiner, namespace
        self.filters = {name: FILTERS[name] for name in BUILT_IN_FILTERS} | dict(filters)

    def step(self) -> None:
        """Take one step from the budget. Raises SecurityError if nothing is left."""
        left = _steps_left.get() - 1
        if left < 0:
            raise SecurityError(f"more than {MAX_STEPS:,} steps: is there a loop in a loop?")
        _steps_left.set(left)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may use this attribute; Jinja2 asks this."""
        if isinstance(obj, str):
            return attr in STRING_METHODS
        if isinstance(obj, Mapping):
            return attr in MAPPING_METHODS
        if obj is None or isinstance(obj, (int, float, bytes, list, tuple)):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Return None: templates have no `format` method, not even a guarded one. A width alone can fill the memory."""

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute an operator: arithmetic on small numbers, and + on strings. Nothing multiplies strings.

        `"a" * 10 ** 9` would fill the memory. Raises SecurityError; Jinja2 calls this."""
        numbers = all(isinstance(side, (int, float)) and abs(side) <= MAX_NUMBER for side in (left, right))
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            if len(left) + len(right) > MAX_JOINED:
                raise SecurityError(f"+ would make more than {MAX_JOINED:,} characters")
        elif operator == "**" or not numbers:
            raise SecurityError(f"{operator} is for small numbers only")
        return super().call_binop(context, operator, left, right)


class PartLoader(FileSystemLoader):
    """Loads templates from a folder. NAME.j2 there is both NAME.txt.j2 and NAME.html.j2.

    Jinja2 decides about escaping when it compiles a file. So a file with sentences for both parts is compiled twice; if
    not, the HTML part would take a stranger's name for markup."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return a template's source: the file itself, or NAME.j2 for one of its two parts. Jinja2 calls this."""
        try:
            return super().get_source(environment, template)
        except TemplateNotFound:
            for part in (".txt.j2", ".html.j2"):
                if template.endswith(part):
                    return super().get_source(environment, template.removesuffix(part) + ".j2")
            raise


def _is_html(name: str | None) -> bool:
    """Whether a template is escaped: all are, except those whose name says that they are text."""
    return not (name or "").endswith(".txt.j2")


@contextmanager
def step_budget(steps: int) -> Iterator[None]:
    """Give the code in the block a budget of so many steps; then restore the former one."""
    before = _steps_left.set(steps)
    try:
        yield
    finally:
        _steps_left.reset(before)
