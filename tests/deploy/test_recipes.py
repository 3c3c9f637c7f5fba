"""The recipes of a newcomer, as `just` runs them, over a stack of their own: a cold start with the demo, and later ones."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.engines import DATABASE
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.programs import end, marked
from deploy.local.state import ROOT, StateFolder
from libs.settings import SUBGRAPHS

pytestmark = [pytest.mark.deep, pytest.mark.usefixtures("node_modules")]

_ROLES = ["school_admin", "principal", "finance_staff", "admission_staff", "teacher", "student", "parent"]
# A look is written down too: who signed in, on which device, and that a file was handed in again.
_WRITTEN_BY_LOOKING = ("identity.audit_logs", "identity.sessions", "identity.devices", "academic.jobs")
_MINUTES = 5


class Recipes:
    """Runs `just <recipe>` over a state folder and ports that nobody else uses."""

    def __init__(self, folder: Path) -> None:
        self.state = StateFolder(folder)
        ports = {f"WIYATA_{name.upper()}_PORT": str(free_port()) for name in (*SUBGRAPHS, "worker", "router")}
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("WIYATA_")}
        self._environment |= ports | {
            "WIYATA_DATABASE_URL": f"postgresql://{LOOPBACK}:{free_port()}/{DATABASE}",
            "WIYATA_VALKEY_URL": f"redis://{LOOPBACK}:{free_port()}/0",
            "WIYATA_NATS_URL": f"nats://{LOOPBACK}:{free_port()}",
            "WIYATA_BCRYPT_COST": "4",
            "COLUMNS": "200",
        }

    def __call__(self, *words: str) -> tuple[int, str]:
        """Exit code and output of a recipe."""
        result = subprocess.run(
            [sys.executable, "-m", "deploy.local", "--folder", str(self.state.path), *words],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60 * _MINUTES,
        )
        return result.returncode, result.stdout

    def must(self, *words: str) -> str:
        """The output of a recipe that has to succeed."""
        code, output = self(*words)
        assert code == 0, output
        return output

    def rows(self) -> dict[str, int]:
        """How many rows each table has, for all schools."""
        schemas = ", ".join(f"'{name}'" for name in SUBGRAPHS)
        listed = self.must(
            *("psql", "-Atc"),
            f"select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ({schemas})",
        ).split()
        counts = " union all ".join(f"select '{table}', count(*) from {table}" for table in listed)
        lines = self.must("psql", "-Atc", counts).splitlines()
        return {table: int(count) for table, count in (line.split("|") for line in lines)}


@pytest.fixture
def just() -> Iterator[Recipes]:
    # Not below pytest's own folder: see the engines of tests/conftest.py.
    with tempfile.TemporaryDirectory(prefix="wiyata-test-", ignore_cleanup_errors=True) as folder:
        recipes = Recipes(Path(folder).resolve())
        yield recipes
        recipes("down")
        end(marked(recipes.state.path), seconds=0)


def test_the_stack_starts_with_its_demo_loads_it_once_and_survives_a_kill(just: Recipes) -> None:
    assert "demo schools loaded" in just.must("start")
    just.must("status")
    told = json.loads(just.must("accounts"))
    assert [tenant["slug"] for tenant in told["tenants"]] == ["gp", "ms"]
    assert all([account["role"] for account in tenant["accounts"]] == _ROLES for tenant in told["tenants"])

    before, events = just.rows(), just.must("nats", "streams")
    assert before["academic.students"] == 395
    just.must("migrate")
    just.must("seed")
    after = just.rows()
    changed = [name for name, count in after.items() if count != before[name]]
    assert [name for name in changed if not name.startswith(_WRITTEN_BY_LOOKING)] == []
    assert just.must("nats", "streams") == events

    supervisor = just.state.supervisor()
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    assert just("status")[0] == 1
    again = just.must("start")  # returns when it is ready, whatever the killed one had said
    assert "processes that an earlier run left behind" in again
    assert "demo schools loaded" not in again
    just.must("status")
    assert "already running here" in just.must("start")
    code, output = just("up")
    assert code == 1
    assert "already running here" in output

    just.must("down")
    assert marked(just.state.path) == []
    assert just("status")[0] == 1
