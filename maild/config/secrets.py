"""Passwords and keys: the configuration names them, they are read from their source, and they are never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,255}")
_FORMS = '{ credential = "name" }, { file = "path" } or { env = "NAME" }'


class SecretError(Exception):
    """A secret cannot be read. The text names the cause; `remedy` says what to do."""

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause + (f"; {remedy}" if remedy else ""))
        self.cause = cause
        self.remedy = remedy


class Secret:
    """A password or key. Only `reveal` returns it; `repr`, `str` and formatting show where it comes from.

    A secret in a file is read each time, so a new password takes effect without a restart."""

    __slots__ = ("_path", "_value", "kind", "name")

    def __init__(self, kind: str, name: str, *, value: str = "", path: Path | None = None) -> None:
        """`kind` is credential, file or env; `name` is its name there in the configuration."""
        self.kind = kind
        self.name = name
        self._value = value
        self._path = path

    @classmethod
    def literal(cls, value: str) -> Secret:
        """Return a secret whose value is written in the configuration or in a test."""
        return cls("", "", value=value)

    @property
    def origin(self) -> str:
        """Where the secret comes from, in words: `credential 'imap-password'`."""
        return f"{self.kind} {self.name!r}" if self.kind else "written in the configuration"

    def reveal(self) -> str:
        """Return the secret without the line end of its file. Raises SecretError with cause and remedy."""
        if self._path is None:
            return self._value
        try:
            text = self._path.read_text(encoding="utf-8")
        except OSError as error:
            raise SecretError(f"{self.origin}: cannot read {self._path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SecretError(f"{self.origin}: {self._path} is not UTF-8") from error
        secret = text.removesuffix("\n").removesuffix("\r")
        if not secret:
            raise SecretError(f"{self.origin}: {self._path} is empty")
        return secret

    def __repr__(self) -> str:
        return f"Secret({self.origin})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[object, ...]:
        return self.kind, self.name, self._value, self._path


def secret_from(form: str | Mapping[str, object], folder: Path, environ: Mapping[str, str]) -> Secret:
    """Return the secret that a configuration names, after checking that it can be read. Raises SecretError.

    `folder` is where relative paths start. `form` is a plain string, or a table with exactly one key: credential
    ($CREDENTIALS_DIRECTORY, systemd.exec(5)), file (refused when others can read it) or env."""
    if isinstance(form, str):
        if not form:
            raise SecretError("is empty", f"write {_FORMS}")
        return Secret.literal(form)
    (kind, name), *more = form.items() or [("", "")]
    if more or not isinstance(name, str) or not name or kind not in ("credential", "file", "env"):
        raise SecretError("expected one key that says where the secret is", f"write {_FORMS}")
    if kind == "credential":
        secret = _credential(name, environ)
    elif kind == "file":
        secret = _file(name, folder)
    else:
        secret = _environment(name, environ)
    secret.reveal()
    return secret


def _credential(name: str, environ: Mapping[str, str]) -> Secret:
    if not _NAME.fullmatch(name) or name.startswith("."):
        raise SecretError(f"{name!r} is not a valid credential name", "use letters, digits, '-', '_' and '.'")
    directory = environ.get("CREDENTIALS_DIRECTORY", "")
    unit = f"add LoadCredential={name}:PATH to the unit, or use {{ file = PATH }}"
    if not directory:
        raise SecretError(f"credential {name!r}: $CREDENTIALS_DIRECTORY is not set", unit)
    path = Path(directory) / name
    if not path.is_file():
        raise SecretError(f"credential {name!r} is not in {directory}", unit)
    return Secret("credential", name, path=path)


def _file(name: str, folder: Path) -> Secret:
    path = folder / name
    if not path.is_file():
        raise SecretError(f"file {name!r}: {path} does not exist", f"create it with the secret, then: chmod 600 {path}")
    if path.stat().st_mode & 0o077:
        raise SecretError(f"file {name!r}: group or others can access {path}", f"chmod 600 {path}")
    return Secret("file", name, path=path)


def _environment(name: str, environ: Mapping[str, str]) -> Secret:
    if not environ.get(name):
        raise SecretError(f"environment variable {name} is not set", f"set it, or write {_FORMS}")
    return Secret("env", name, value=environ[name])
