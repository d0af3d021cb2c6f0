"""Reads maild.toml, checks it as a whole, and returns frozen settings.

The way of a file: `toml_document` reads TOML with the place of each key. `decode` turns tables into structs. `people`,
`filters`, `plans`, `rotas`, `organisations` and `endpoints` check what the tables mean together. `loading` builds the
`Settings`. All mistakes are reported at once."""

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
