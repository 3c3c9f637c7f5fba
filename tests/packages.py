"""Packages of npm for the tests."""

import fcntl
import os
import subprocess
from pathlib import Path

from deploy.local.node import find_node, packages_are_current


def install(folder: Path) -> None:
    """Installs what a folder's lock names where it is missing: by one worker, while the others wait for it."""
    node = find_node()
    with (folder / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not packages_are_current(folder):
            command = [*node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=folder, env={**os.environ, **node.environment()}, check=True, timeout=300)
