"""The local sink: mails become files of a maildir, where `/dev/outbox` and tests read them."""

import asyncio
import email
import email.policy
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path
from typing import Final

from libs.kernel import new_id
from subgraphs.notification.channel.rules import SENT, Mail, Receipt

_NAME: Final = re.compile(r"[0-9]{19}\.[0-9a-f]{32}")
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_LINK: Final = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail as it was sent. `id` names its file."""

    id: str
    to: str
    subject: str
    sent_at: datetime
    text: str
    html: str

    @property
    def links(self) -> list[str]:
        """The links of the text part, in order."""
        return _LINK.findall(self.text)


class Sink:
    """A maildir. Every delivery is a file of its own, so that a mail sent twice shows twice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for part in ("tmp", "new", "cur"):
            (folder / part).mkdir(parents=True, exist_ok=True)

    async def deliver(self, mails: Sequence[Mail]) -> Sequence[Receipt]:
        """Keeps the mails; the disk's errors are raised."""
        await asyncio.to_thread(self._keep, mails)
        return [SENT] * len(mails)

    def _keep(self, mails: Iterable[Mail]) -> None:
        for mail in mails:
            name = f"{time.time_ns():019d}.{new_id().hex}"
            written = self._folder / "tmp" / name
            written.write_bytes(mail.content)
            written.rename(self._folder / "new" / name)  # a reader never sees half a mail

    def newest_first(self, to: str | None = None) -> Iterator[KeptMail]:
        """The mails kept, read when they are asked for; with `to`, those that may be to that address.

        Parsing a mail costs milliseconds, hence the look at its header's bytes first.
        """
        wanted = to.casefold().encode() if to else b""
        for path in sorted((self._folder / "new").iterdir(), reverse=True):
            if wanted in _BLANK_LINE.split(path.read_bytes(), maxsplit=1)[0].lower():
                yield _read(path)

    def count(self) -> int:
        """How many mails there are."""
        return sum(1 for _ in (self._folder / "new").iterdir())

    def find(self, mail_id: str) -> KeptMail | None:
        """The mail with that id."""
        path = self._folder / "new" / mail_id
        return _read(path) if _NAME.fullmatch(mail_id) and path.is_file() else None


@lru_cache(maxsize=2_000)
def _read(path: Path) -> KeptMail:
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    return KeptMail(
        id=path.name,
        to=mail["To"].addresses[0].addr_spec,
        subject=str(mail["Subject"]),
        sent_at=datetime.fromtimestamp(int(path.name.partition(".")[0]) / 1e9, UTC),
        text=_part(mail, "plain"),
        html=_part(mail, "html"),
    )


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
