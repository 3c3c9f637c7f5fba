"""`python -m deploy.local.seed <accounts file>`: loads the demo through the graph's own mutations, never by SQL.

Returns when every consumer has caught up; running it again changes nothing.
"""

import asyncio
import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.local.demo.client import Graph, SeedError
from deploy.local.demo.load import Loading, emails, new_password
from deploy.local.demo.records import Records
from deploy.local.demo.school import NAMES, REGISTER, DemoSchool
from deploy.local.state import write_private
from libs.events import wait_until_consumed
from libs.kernel import utc_now
from libs.settings import Settings, load_settings

_CATCH_UP_SECONDS = 120
_TIMEZONE = "Asia/Jakarta"
"""Of the schools, which refuse what has not come there yet, whatever the day is on this machine."""


async def seed(settings: Settings, accounts: Path, console: Console) -> None:
    """Loads the register and the two schools, and writes the demo accounts to `accounts` when all is there.

    Raises SeedError and libs.events.StillBehind.
    """
    begun, today = time.monotonic(), utc_now().astimezone(ZoneInfo(_TIMEZONE)).date()
    schools = [DemoSchool(slug, today) for slug in NAMES]
    passwords = _Passwords(accounts.with_suffix(".passwords.json"))
    limits = httpx.Limits(max_connections=8)
    async with httpx.AsyncClient(base_url=settings.public_url, timeout=60, limits=limits) as http:
        platform = await Graph(http).sign_in(settings.platform_email, settings.platform_password.get_secret_value())
        if platform is None:
            raise SeedError("the platform administrator cannot sign in")
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            tenants = [await _tenant(platform, school) for school in schools]
            await wait_until_consumed(settings, timeout_seconds=_CATCH_UP_SECONDS)
            loading = (
                _school(Graph(http, tenant), school, passwords, today, progress)
                for school, tenant in zip(schools, tenants, strict=True)
            )
            _, records = await asyncio.gather(_register(platform, progress), asyncio.gather(*loading))
            for step in (Records.run, Records.fees, Records.verified):
                await wait_until_consumed(settings, timeout_seconds=_CATCH_UP_SECONDS)
                await asyncio.gather(*(step(each) for each in records))
            waiting = progress.add_task("consumers and mails", total=1)
            await wait_until_consumed(settings, timeout_seconds=_CATCH_UP_SECONDS)
            progress.advance(waiting)
            signing = progress.add_task("demo accounts", total=sum(len(emails(school)) for school in schools))
            for places in zip(*(emails(school).values() for school in schools), strict=True):
                # The two schools side by side: a password costs a quarter of a second of one core.
                opening = zip(tenants, places, strict=True)
                await asyncio.gather(*(_open_account(Graph(http, tenant), each, passwords) for tenant, each in opening))
                progress.advance(signing, len(places))
        await wait_until_consumed(settings, timeout_seconds=_CATCH_UP_SECONDS)
    write_private(accounts, [_told(*each, passwords) for each in zip(schools, tenants, strict=True)])
    console.print(f"demo schools loaded in {time.monotonic() - begun:.1f} s")


class _Passwords:
    """The demo passwords, kept from the first run on: an account that was opened is not opened again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def knows(self, email: str) -> bool:
        """Whether the account may have been opened before."""
        return email in self._known

    def of(self, email: str) -> str:
        """The password of an account, made and written down before it is first used."""
        if email not in self._known:
            self._known[email] = new_password()
            write_private(self._file, self._known)
        return self._known[email]


async def _register(platform: Graph, progress: Progress) -> None:
    text = REGISTER.read_text(encoding="utf-8")
    loading = progress.add_task("schools of the register", total=text.count("\n") - 1)
    await platform.mutate("importTenants", [{"file": {"text": text}}], "created updated unchanged")
    progress.update(loading, completed=text.count("\n") - 1)


async def _tenant(platform: Graph, school: DemoSchool) -> str:
    found = await platform("query($slug: String!) { publicSchool(slug: $slug) { id } }", slug=school.slug)
    if found["publicSchool"]:
        return str(found["publicSchool"]["id"])
    admin = {"name": "Agus Prasetyo", "email": emails(school)["school_admin"]}
    given = {
        "slug": school.slug,
        "name": school.name,
        "npsn": f"{school.slug.upper()}000001",  # made up, and seen to be: the register's have digits alone
        "level": "SMA",
        "timezone": _TIMEZONE,
        "admin": admin,
    }
    (answer,) = await platform.mutate("createTenant", [given], "tenant { id }")
    return str(answer["tenant"]["id"])


async def _open_account(graph: Graph, email: str, passwords: _Passwords) -> Graph:
    """Signs in; the first time, by accepting the invitation that lies in the local outbox."""
    known, password = passwords.knows(email), passwords.of(email)
    signed_in = await graph.sign_in(email, password) if known else None
    if signed_in is None:
        await graph.accept_invitation(email, password)
        signed_in = await graph.sign_in(email, password)
    if signed_in is None:
        raise SeedError(f"{email} cannot sign in")
    return signed_in


async def _school(graph: Graph, school: DemoSchool, passwords: _Passwords, today: date, progress: Progress) -> Records:
    admin = await _open_account(graph, emails(school)["school_admin"], passwords)
    bar: Any = progress.add_task(school.name, total=None)
    loading = Loading(school, admin, lambda count: progress.advance(bar, count))
    progress.update(bar, total=loading.steps)
    loaded = await loading.run(today=today)
    progress.update(bar, completed=loading.steps)
    lived: Any = progress.add_task(f"{school.name}: its days", total=None)
    records = Records(school, admin, loaded, today, lambda count: progress.advance(lived, count))
    progress.update(lived, total=records.steps)
    return records


def _told(school: DemoSchool, tenant: str, passwords: _Passwords) -> dict[str, Any]:
    return {
        "id": tenant,
        "slug": school.slug,
        "name": school.name,
        "accounts": [
            {"role": role, "email": email, "password": passwords.of(email)} for role, email in emails(school).items()
        ],
    }


def main() -> int:
    """The command; one argument, the file the accounts are written to."""
    console = Console()
    try:
        asyncio.run(seed(load_settings(), Path(sys.argv[1]), console))
    except (SeedError, TimeoutError, httpx.HTTPError) as error:
        console.print(f"seed: {error}", markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
