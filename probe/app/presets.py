"""The config, with what we know of the providers laid under it."""

import os
from pathlib import Path

from probe.config.load import load
from probe.config.settings import Settings
from probe.providers import presets


def load_config(path: Path) -> Settings:
    """Read a config file.

    Raises:
        ConfigError: every problem at once.
    """
    return load(path, os.environ, presets.defaults())
