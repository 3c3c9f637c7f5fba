"""SMTP: a batch over few connections, each used for many mails."""

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import aiosmtplib

from subgraphs.notification.channel.rules import SENT, Mail, Outcome, Receipt

_UNREACHABLE = Receipt(Outcome.TEMPORARY, "SMTP unreachable")
_CUT_OFF = Receipt(Outcome.TEMPORARY, "SMTP connection lost")
_SLOW = Receipt(Outcome.TEMPORARY, "SMTP timeout")
_PERMANENT = 500
_CLOSING = 421


class SmtpMailer:
    """Delivers to the server of a URL `smtp://[user:password@]host:port` or `smtps://…`.

    `smtps` is TLS from the first byte. `smtp` turns to TLS when the server offers STARTTLS, and insists on it when
    there is a password to protect. `timeout` is that of one step of the dialogue, `batch_timeout` that of everything
    handed over at once, both in seconds; the latter ends before the sender's lease does.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 4,
        timeout: float = 15,
        batch_timeout: float = 60,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._tls else 25)
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._connections = connections
        self._timeout = timeout
        self._batch_timeout = batch_timeout
        self._tls_context = tls_context

    async def deliver(self, mails: Sequence[Mail]) -> Sequence[Receipt]:
        """One receipt per mail. A server that cannot be reached is asked once per connection, not once per mail."""
        receipts = [_UNREACHABLE] * len(mails)
        waiting = deque(enumerate(mails))
        workers = [
            asyncio.create_task(self._work_off(waiting, receipts)) for _ in range(min(self._connections, len(mails)))
        ]
        _, late = await asyncio.wait(workers, timeout=self._batch_timeout)
        for worker in late:
            worker.cancel()
        for ended in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        return receipts

    async def _work_off(self, waiting: deque[tuple[int, Mail]], receipts: list[Receipt]) -> None:
        client: aiosmtplib.SMTP | None = None
        try:
            while waiting:
                if client is None or not client.is_connected:
                    client = await self._connect()
                if client is None or not waiting:
                    return
                number, mail = waiting.popleft()
                receipts[number] = _SLOW  # what it is when this worker is cut short
                receipts[number] = await _send(client, mail)
            if client is not None:
                await _leave(client)
        finally:
            if client is not None:
                client.close()

    async def _connect(self) -> aiosmtplib.SMTP | None:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._tls,
            start_tls=None if self._tls or self._password is None else True,
            tls_context=self._tls_context,
            timeout=self._timeout,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError):
            client.close()
            return None
        return client


async def _send(client: aiosmtplib.SMTP, mail: Mail) -> Receipt:
    try:
        await client.sendmail(mail.sender, [mail.recipient], mail.content)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return _refused(client, error.recipients[0].code)
    except aiosmtplib.SMTPResponseException as error:
        return _refused(client, error.code)
    except (aiosmtplib.SMTPTimeoutError, TimeoutError):
        client.close()  # what comes later on this connection would be the answer to this mail
        return _SLOW
    except (aiosmtplib.SMTPException, OSError):
        client.close()
        return _CUT_OFF
    return SENT


def _refused(client: aiosmtplib.SMTP, code: int) -> Receipt:
    if code == _CLOSING:
        client.close()
    return Receipt(Outcome.PERMANENT if code >= _PERMANENT else Outcome.TEMPORARY, f"SMTP {code}")


async def _leave(client: aiosmtplib.SMTP) -> None:
    if not client.is_connected:
        return
    try:
        await client.quit()
    except (aiosmtplib.SMTPException, OSError):
        client.close()
