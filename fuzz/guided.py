"""``python -m fuzz.guided TARGET CORPUS [libFuzzer options]``: one target under atheris."""

from __future__ import annotations

import importlib
import sys
from typing import Any

atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports(include=["gamecast"], enable_loader_override=False):
    from fuzz.targets import TARGETS, quietly

quietly()
name = sys.argv.pop(1)
atheris.Setup(sys.argv, TARGETS[name])
atheris.Fuzz()
