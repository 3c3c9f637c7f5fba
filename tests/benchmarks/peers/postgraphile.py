"""PostGraphile as a peer of `just bench reads`: installed from npm when it is first needed, never kept in the repository."""

import os
import shutil
import subprocess
from pathlib import Path

import orjson
import psycopg
from joserfc.jwk import ECKey

from deploy.local.node import Node, find_node
from deploy.local.programs import Program, StartError, answers_line
from deploy.local.state import ROOT
from libs.settings import Settings

VERSION = "5.1.5"
_PACKAGES = (f"postgraphile@{VERSION}", "graphql@16.14.2", "jsonwebtoken@9.0.3")
_FOLDER = ROOT / ".wiyata" / "benchmarks" / f"postgraphile-{VERSION}"
_LOOK = b"GET /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
_CONFIG = Path(__file__).with_name("graphile.config.mjs")

# Functions over a row are fields of its type; what they select is what academic's graph selects.
_RELATIONS = """
set role academic_owner;
create function academic.classes_pupils(class academic.classes) returns setof academic.students language sql stable as $$
  select s.* from academic.students s
    join academic.enrollments e on e.tenant_id = class.tenant_id and e.student_id = s.id
    join academic.academic_years y on y.tenant_id = class.tenant_id and y.id = e.academic_year_id
  where s.tenant_id = class.tenant_id and e.class_id = class.id
    and e.valid_from <= greatest(current_date, y.start_date) and e.valid_to > least(current_date, y.end_date)
  order by s.full_name, s.id
$$;
create function academic.students_current_class(student academic.students) returns academic.classes language sql stable as $$
  select c.* from academic.enrollments e join academic.classes c on c.tenant_id = student.tenant_id and c.id = e.class_id
  where e.tenant_id = student.tenant_id and e.student_id = student.id and e.kind = 'REGULAR'
    and e.valid_from <= current_date and e.valid_to > current_date
$$;
"""


def add_relations(settings: Settings) -> None:
    """Tells PostGraphile, in the benchmark's own database, who sits where today."""
    name = settings.database_url.rpartition("/")[2]
    with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as connection:
        connection.execute(_RELATIONS)


def postgraphile(settings: Settings, port: int) -> Program:
    """PostGraphile over academic's tables. Raises StartError when npm cannot install it."""
    node = find_node()
    program = _installed(node) / "node_modules" / "postgraphile" / "dist" / "cli-run.js"
    shutil.copy(_CONFIG, _FOLDER / _CONFIG.name)  # packages are looked for from where the file lies
    return Program(
        name="postgraphile",
        command=(str(node.program), str(program)),
        ready=answers_line(port, _LOOK, b"HTTP/1.1 "),
        port=port,
        environment={
            **node.environment(),
            "NODE_ENV": "production",
            "GRAPHILE_ENV": "production",
            "PEER_DATABASE_URL": settings.database_for("academic_app"),
            "PEER_POOL_SIZE": str(settings.database_pool_size),
            "PEER_PUBLIC_KEY": _public_key(settings),
            "PEER_TOKEN_ISSUER": settings.token_issuer,
            "PEER_TOKEN_AUDIENCE": settings.token_audience,
            "PEER_PORT": str(port),
        },
        folder=_FOLDER,
    )


def node_version() -> str:
    """For the line about the machine."""
    return find_node().version


def _public_key(settings: Settings) -> str:
    first = orjson.loads(settings.token_signing_keys.get_secret_value())["keys"][0]
    return ECKey.import_key(first).as_pem(private=False).decode()


def _installed(node: Node) -> Path:
    """Installed whole once npm has written its own list of what is there."""
    if not (_FOLDER / "node_modules" / ".package-lock.json").exists():
        shutil.rmtree(_FOLDER, ignore_errors=True)
        _FOLDER.mkdir(parents=True)
        options = (
            "--prefix",
            str(_FOLDER),
            "--no-save",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        )
        run = subprocess.run(
            [*node.npm, "install", *options, *_PACKAGES],
            env={**os.environ, **node.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise StartError(f"npm could not install PostGraphile\n{run.stderr.strip()}")
    return _FOLDER
