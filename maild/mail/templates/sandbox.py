"""The closed room that templates run in: no attributes but those of words, no filters but ours, a budget of steps.

Mail text is only ever data here. Templates come from the admin, who is trusted but may slip: a template can fail, it
can neither reach the process nor stop it."""

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

MAX_STEPS = 1_000_000  # bodies of loops, conditions and macros entered; a nested loop ends here, whatever it does
MAX_NUMBER = 10**9  # beyond it arithmetic is no longer about mail
MAX_JOINED = 4_000_000  # characters that + may make

# Jinja2's own filters that a mail needs. Left out on purpose: `safe` (it would put a stranger's HTML into a mail),
# `center`, `format`, `indent`, `replace`, `wordwrap` (a few words blow them up to gigabytes), `attr`, `map`, `xmlattr`.
BUILT_IN_FILTERS = (
    "capitalize default escape e first float int join last length list lower reject rejectattr select selectattr "
    "sort string title trim truncate unique upper"
).split()
# Methods of words and of records. Everything else has no attributes at all in here.
STRING_METHODS = frozenset("startswith endswith lower upper strip lstrip rstrip split splitlines capitalize".split())
MAPPING_METHODS = frozenset("get items keys values".split())

_steps_left: ContextVar[int] = ContextVar("steps_left", default=MAX_STEPS)


class _MeteredCode(CodeGenerator):
    """Compiles templates so that each body that is entered costs a step."""

    def blockvisit(self, nodes: Any, frame: Frame) -> None:
        self.writeline("environment.step()")
        super().blockvisit(nodes, frame)


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment whose templates see words, numbers, lists and records, and nothing behind them."""

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
        """Pay for one body; SecurityError when the template has used up what one mail may cost."""
        left = _steps_left.get() - 1
        if left < 0:
            raise SecurityError(f"more than {MAX_STEPS:,} steps: is there a loop in a loop?")
        _steps_left.set(left)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str):
            return attr in STRING_METHODS
        if isinstance(obj, Mapping):
            return attr in MAPPING_METHODS
        if obj is None or isinstance(obj, (int, float, bytes, list, tuple)):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """`format` is no method here, not even a guarded one: a width alone can fill the memory."""

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on small numbers, and words put together; nothing that multiplies words (`"a" * 10 ** 9`)."""
        numbers = all(isinstance(side, (int, float)) and abs(side) <= MAX_NUMBER for side in (left, right))
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            if len(left) + len(right) > MAX_JOINED:
                raise SecurityError(f"+ would make more than {MAX_JOINED:,} characters")
        elif operator == "**" or not numbers:
            raise SecurityError(f"{operator} is for small numbers only")
        return super().call_binop(context, operator, left, right)


class PartLoader(FileSystemLoader):
    """A folder of templates in which NAME.j2 stands for both NAME.txt.j2 and NAME.html.j2.

    A macro is escaped where it is *called*, its words where it is *written*: sentences for both parts must be compiled
    twice, or the HTML part would take a stranger's name for markup."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            return super().get_source(environment, template)
        except TemplateNotFound:
            for part in (".txt.j2", ".html.j2"):
                if template.endswith(part):
                    return super().get_source(environment, template.removesuffix(part) + ".j2")
            raise


def _is_html(name: str | None) -> bool:
    """Only a template that says it is text is taken for text: a string without a name is escaped."""
    return not (name or "").endswith(".txt.j2")


@contextmanager
def step_budget(steps: int) -> Iterator[None]:
    """One mail's worth of steps."""
    before = _steps_left.set(steps)
    try:
        yield
    finally:
        _steps_left.reset(before)
