"""maild.toml: read, checked as a whole, turned into frozen settings.

Way of a file: `document` (TOML with places) -> `reading` (tables, key by key) -> `directory`, `plans`, `servers` (what
the tables mean together) -> `settings`. Every mistake is reported at once; `load` is the door."""

from maild.config.dump import describe, example
from maild.config.loading import find_config, load
from maild.config.problems import ConfigError, Place, Problem
from maild.config.secrets import Secret, SecretError
from maild.config.settings import Settings
from maild.config.values import Endpoint

__all__ = [
    "ConfigError",
    "Endpoint",
    "Place",
    "Problem",
    "Secret",
    "SecretError",
    "Settings",
    "describe",
    "example",
    "find_config",
    "load",
]
