"""Alerts by HTTP: one POST a delivery, in the form its receiver takes, signed where a secret is given.

The answer's status alone decides; its body is read no further than politeness asks. Redirects are not followed, and a name
that leads to the link's own addresses or to a cloud's metadata is refused.
"""

import asyncio
import contextlib
import errno
import hashlib
import hmac
import re
import socket
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

import aiohttp
import aiohttp.abc

from notify.channels.base import DeliveryError, Tools
from notify.destinations import is_forbidden
from notify.event import Event
from notify.formats import message
from notify.spec import WebhookSpec

_ANSWER_READ = 4096
_ANSWER_WITHIN = 1.0
"""Seconds in which a receiver may say the rest of its answer before the connection is cut."""
_TRY_AGAIN = {401, 404, 407, 408, 425, 429}
"""Of the way there, of our key or of the moment, and not of what was sent: likely to be mended meanwhile."""
_BATCH = 1000
_URL = re.compile(r"(https?://)(?:[^/\s'\"]*@)?([^/\s'\"?#]*)[^\s'\"]*")


class _Resolver(aiohttp.abc.AbstractResolver):
    """The host's own resolver, without the addresses to which nothing is posted. It is not asked for literal addresses:
    those are judged with the configuration."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        """Raises OSError when no allowed address is left."""
        found = await self._inner.resolve(host, port, family)
        allowed = [one for one in found if not is_forbidden(one["host"])]
        if not allowed:
            reason = is_forbidden(found[0]["host"]) if found else "it has no address"
            raise OSError(errno.EACCES, f"nothing is posted to {host}: {reason}")
        return allowed

    async def close(self) -> None:
        """Nothing is held."""
        await self._inner.close()


class WebhookChannel:
    """Posts to one URL; any 2xx is success, redirects are not followed."""

    def __init__(self, spec: WebhookSpec, tools: Tools, timeout: float) -> None:
        self._spec = spec
        self._tools = tools
        self._timeout = timeout
        self.batch = 1 if spec.form.alone else _BATCH

    async def deliver(self, events: Sequence[Event]) -> str:
        """Post the events and wait for the answer's status."""
        form = self._spec.form
        secret = self._tools.secret(self._spec.secret_file) if self._spec.secret_file else ""
        said = message(form, events, secret if form.secret_is_key else "")
        headers = {
            **said.headers,
            **dict(self._spec.headers),
            "Content-Type": said.content_type,
            "User-Agent": "hactl",
        }
        if secret and not form.secret_is_key:
            headers["X-Hactl-Signature"] = signature(secret, said.body)
        try:
            status, wait = await self._post(headers, said.body)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise DeliveryError(words(error)) from error
        if not 200 <= status < 300:
            refused = 400 <= status < 500 and status not in _TRY_AGAIN
            raise DeliveryError(f"the receiver answered {status}", refused=refused, wait=wait)
        return ""

    async def _post(self, headers: dict[str, str], body: bytes) -> tuple[int, float]:
        """The status, and the seconds for which the receiver wants to be left alone."""
        timeout = aiohttp.ClientTimeout(total=self._timeout)
        # An answer may be a bomb: it is neither unpacked nor read to its end.
        connector = aiohttp.TCPConnector(resolver=_Resolver(), use_dns_cache=False)
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False, connector=connector) as session,
            session.post(
                self._spec.url, data=body, headers=headers, allow_redirects=False, ssl=self._spec.verify
            ) as answer,
        ):
            # Whoever has said yes has taken the alert, even if the rest of the answer never comes: it must not come twice.
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with asyncio.timeout(_ANSWER_WITHIN):
                    await answer.content.read(_ANSWER_READ)
            answer.close()
            return answer.status, asked(answer.headers.get("Retry-After", ""), time.time())


def words(error: Exception) -> str:
    """Why nothing was delivered. Of an address only the host is named: the rest of it is a key to many receivers."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the receiver's answer is no HTTP: {error.message}"
    return _URL.sub(r"\1\2/(hidden)", str(error)) or type(error).__name__


def asked(text: str, now: float) -> float:
    """Seconds that Retry-After asks for at `now` (wall clock): a number of them, or a date (RFC 9110 section 10.2.3)."""
    if text.strip().isdecimal():
        return float(text.strip()[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError, OSError):
        return 0.0


def signature(secret: str, body: bytes) -> str:
    """Value of X-Hactl-Signature: HMAC-SHA256 (RFC 2104) over the body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
