"""Registers the documents of `router/documents` in their manifest. `python -m deploy.documents [--check]`.

Each is checked against `schema/`; the manifest says owner, cost, scopes and personal data of each by its sha256.
`--check` writes nothing, and tells with exit code 1 that the manifest is another.
"""

import subprocess
import sys
from pathlib import Path

from deploy.local.node import find_node

_REGISTER = Path(__file__).parents[1] / "router" / "register.mjs"


def main() -> int:
    """Returns the exit code; what is wrong goes to stderr."""
    node = find_node()
    command = [str(node.program), str(_REGISTER), *sys.argv[1:]]
    return subprocess.run(command, env=node.environment(), check=False).returncode  # noqa: S603 - our own script


if __name__ == "__main__":
    sys.exit(main())
