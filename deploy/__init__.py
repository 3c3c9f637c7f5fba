"""How Wiyata runs: one process by its name, the local stack, images."""

VERSION = "0.1.0"
"""Shown by the health of processes that are no subgraph; the same as in pyproject.toml."""
