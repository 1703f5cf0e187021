"""Runs hostile templates or paths under limits: `python -m tests.support.bombs templates|paths FILE`.

Prints {name: [processor seconds, peak bytes]}. The process is killed when it takes 60 s of processor time, and
cannot get more than 512 MB beyond what it has at its start.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tellback.core import templates
from tellback.core.deliveries import paths, requests
from tellback.core.deliveries.definitions import ReturnValue, Webhook
from tellback.core.templates import liquid

ALL = {"list": [{"a": n, "text": "a" * 20} for n in range(200)]}
CONTEXT: dict[str, Any] = {
    "ten": list(range(10)),
    "big": "x" * 60_000,
    "wide": "\N{SNOWMAN}" * 20_000,
    "big_number": "9" * 4_000,
    "all": ALL,
}


def nested(depth: int, width: int) -> Any:
    return {"text": "a" * 30} if not depth else {"a": [nested(depth - 1, width) for _ in range(width)]}


ANSWER = json.dumps({"wide": [{"a": {"a": n}, "text": "a" * 40} for n in range(900)], "a": nested(5, 3)})
DEEP = '{"a":' * 900 + "1" + "}" * 900


def render(source: str) -> None:
    liquid.compiled.cache_clear()
    with suppress(templates.TemplateFault):
        requests.render_request(Webhook("w", "POST", "https://there.example/", body=source), CONTEXT)


def pick(expression: str) -> None:
    paths.compiled.cache_clear()
    wanted = ReturnValue("g", "l", expression, "string")
    for answer in (ANSWER, DEEP):
        paths.pick([wanted], answer.encode())


def measured(run: Callable[[str], None], bomb: str) -> tuple[float, int]:
    began = time.process_time()
    run(bomb)
    seconds = time.process_time() - began
    tracemalloc.start()
    run(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds, peak


def main(kind: str, file: Path) -> None:
    run = {"templates": render, "paths": pick}[kind]
    run("a")  # what is loaded at the first use is no part of it
    pages = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (pages + 512 * 1024 * 1024,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    figures = {}
    for name, bomb in json.loads(file.read_text()).items():
        figures[name] = measured(run, bomb)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
