"""A real SMTP server in a thread, which keeps what it is given."""

import asyncio
import email
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.ports import free_port

_LINK = re.compile(r"https?://\S+/account/invitation\?token=\S+")
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class ReceivedMail:
    """One mail as it came over the wire."""

    recipient: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["subject"])

    def part(self, kind: str) -> str:
        """The text of the `plain` or `html` part."""
        body = self.message.get_body((kind,))
        assert body is not None
        return str(body.get_content())

    @property
    def token(self) -> str | None:
        """The token of the invitation's link, if it is one."""
        links = _LINK.findall(self.part("plain"))
        return parse_qs(urlsplit(links[0]).query)["token"][0] if links else None


class MailServer:
    """`received` is what came, in order. It can be stopped and started again on its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.received: list[ReceivedMail] = []
        self._controller: Controller | None = None

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd calls it by position
        content = envelope.content
        assert isinstance(content, bytes)
        message: Any = email.message_from_bytes(content, policy=default)
        self.received += [ReceivedMail(recipient, message) for recipient in envelope.rcpt_tos]
        return "250 OK"

    def start(self) -> None:
        if self._controller is None:
            self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
            self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def to(self, address: str) -> list[ReceivedMail]:
        """What this address has received."""
        return [mail for mail in list(self.received) if mail.recipient == address]

    async def invitation(self, address: str, seconds: float = 30) -> ReceivedMail:
        """The invitation of this address, once it is there. Raises AssertionError when it does not come."""
        return await self._await(lambda mail: mail.token is not None, "invitation", address, seconds)

    async def letter(self, address: str, words: str, seconds: float = 30) -> ReceivedMail:
        """The first mail to this address with these words in its subject. Raises AssertionError when it does not come."""
        return await self._await(lambda mail: words in mail.subject, f"{words!r}", address, seconds)

    async def _await(
        self, is_it: Callable[[ReceivedMail], bool], name: str, address: str, seconds: float
    ) -> ReceivedMail:
        deadline = time.monotonic() + seconds
        while (found := next(filter(is_it, self.to(address)), None)) is None:
            assert time.monotonic() < deadline, f"no {name} for {address} after {seconds:.0f} s"
            await asyncio.sleep(_LOOK_SECONDS)
        return found
