"""The engines: they start, stop, and start again after whatever was left behind."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nats
import psutil
import psycopg
import pytest
import redis
from psycopg import conninfo

from deploy.local import engines as engines_module
from deploy.local.engines import Engines, engines
from deploy.local.programs import Child, StartError, end, marked


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not tmp_path: pytest closes its folders to other users while PostgreSQL's user works in them."""
    path = Path(tempfile.mkdtemp(prefix="engines-"))
    yield path
    end(marked(path), seconds=5)
    shutil.rmtree(path)


def sockets_of(process: psutil.Process) -> set[str]:
    return {c.laddr.ip for c in process.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN}


async def use(e: Engines) -> str:
    """Writes and reads in all three; returns PostgreSQL's version."""
    with psycopg.connect(e.database_admin_url, dbname="postgres", autocommit=True) as connection:
        connection.execute("create table if not exists starts (at timestamptz default now())")
        connection.execute("insert into starts default values")
        version = connection.execute("show server_version").fetchone()
    client = redis.Redis.from_url(e.valkey_url)
    assert client.set("a", "b")
    client.close()
    broker = await nats.connect(e.nats_url)
    stream = broker.jetstream()
    await stream.add_stream(name="starts", subjects=["starts"])
    await stream.publish("starts", b"one")
    await broker.close()
    assert version
    return str(version[0])


async def test_twice_in_the_same_folder_keeps_the_data_and_leaves_nothing_running(folder: Path) -> None:
    for start in (1, 2):
        with engines(folder) as e:
            assert (await use(e)).startswith("18.")
            with psycopg.connect(e.database_admin_url, dbname="postgres") as connection:
                assert connection.execute("select count(*) from starts").fetchone() == (start,)
                assert connection.execute("show fsync").fetchone() == ("off",)
            broker = await nats.connect(e.nats_url)
            assert (await broker.jetstream().stream_info("starts")).state.messages == start
            await broker.close()
            running = marked(folder)
            assert len(running) >= 3
            assert set().union(*(sockets_of(process) for process in running)) == {"127.0.0.1"}
        assert marked(folder) == []


def test_killed_engines_start_again_and_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    data = folder / "postgres"
    data.mkdir()
    (data / "base").mkdir()  # initdb was killed: no PG_VERSION
    (folder / "postgres.new").mkdir()
    with engines(folder):
        for process in marked(folder):
            process.kill()
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n1\n5432\n\n127.0.0.1\n\nready\n")
    with engines(folder) as e, psycopg.connect(e.database_admin_url, dbname="postgres") as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_orphans_of_a_killed_run_are_ended_by_the_next_one(folder: Path) -> None:
    program = engines_module.valkey(folder / "valkey", port=engines_module.free_port())
    orphan = Child(program, mark=folder, log=folder / "orphan.log")
    program.prepare()
    orphan.spawn()
    orphan.await_ready(10)
    with engines(folder):
        assert orphan.exit_code() is not None


def test_a_password_is_asked_of_everyone_when_one_is_set(folder: Path) -> None:
    port = engines_module.free_port()
    program = engines_module.postgres(folder / "postgres", port=port, password="s3:cret/@")
    child = Child(program, mark=folder, log=folder / "postgres.log")
    program.prepare()
    child.spawn()
    try:
        child.await_ready(30)
        right = engines_module.admin_url(port, "s3:cret/@")
        with psycopg.connect(right, dbname="postgres") as connection:
            assert connection.execute("show fsync").fetchone() == ("on",)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(conninfo.make_conninfo(right, password="wrong", dbname="postgres"))
        assert not (folder / "postgres.new.password").exists()
    finally:
        child.stop()


def test_an_engine_that_cannot_start_says_why(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        program = engines_module.nats(folder / "nats", port=taken.getsockname()[1])
        child = Child(program, mark=folder, log=folder / "nats.log")
        program.prepare()
        child.spawn()
        with pytest.raises(StartError, match=r"nats ended with 1\n(.|\n)*address already in use"):
            child.await_ready(10)
