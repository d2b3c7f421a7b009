"""A worker process: `python worker.py` reads one JSON request a line, answers with one line, and computes only in between.

Requests: {"start": [module, class], "with": {...}} makes a contender; {"do": method, "with": {...}, "into": path or null} calls it, and
leaves arrays in an npz file where a path is given.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Answer until the pipe is closed. What libraries print goes to the terminal's error output, never into an answer."""
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # where the package lies, in place of the script's own folder
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    contender = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "start" in request:
                module, name = request["start"]
                contender = getattr(importlib.import_module(f"speed.contenders.{module}"), name)(**request["with"])
                reply = {"value": versions()}
            else:
                reply = {"value": call(contender, **request)}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=answers, flush=True)


def call(contender, do: str, into: str | None = None, **options):
    """One method; its arrays go into a file."""
    import numpy as np

    value = getattr(contender, do)(**options["with"])
    if into:
        several = value if isinstance(value, dict) else {f"value_{k}": part for k, part in enumerate(value)} if isinstance(value, tuple) else {"value": value}
        np.savez(into, **several)
        return None
    return value


def versions() -> dict[str, str]:
    """Of the libraries that this contender has loaded."""
    found = {name: getattr(sys.modules.get(name), "__version__", None) for name in ("numpy", "tensorflow", "keras", "torch", "jax")}
    return {name: version for name, version in found.items() if version}


if __name__ == "__main__":
    main()
