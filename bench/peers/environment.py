"""A peer's own virtual environment under .bench/, made once from its lock."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from bench import processes

LOCKS = Path(__file__).parent
INSTALL_S = 600


def made(name: str) -> Path:
    """The folder with the commands of bench/peers/<name>.lock; made anew when the lock changed."""
    lock = LOCKS / f"{name}.lock"
    folder = processes.ROOT / ".bench" / name
    stamp = folder / "made-from"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        print(f"    setting up {name} ...", flush=True)
        processes.call([sys.executable, "-m", "venv", "--clear", folder], within=INSTALL_S)
        pip: list[str | Path] = [
            folder / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        processes.call([*pip, "--require-hashes", "-r", lock], within=INSTALL_S)
        stamp.write_text(digest)
    return folder / "bin"
