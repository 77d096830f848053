"""Answers of the Connect API with invented ids and values."""

import json
from pathlib import Path
from typing import Any


def load(name: str) -> Any:
    """Return a payload by its file name without the suffix."""
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))
