"""Alerts by HTTP: one POST a delivery, CloudEvents 1.0 in JSON, signed where a secret is given.

The answer's body is of no interest and never read beyond a few bytes.
"""

import hashlib
import hmac
from collections.abc import Sequence

import aiohttp

from notify import render
from notify.channels.base import DeliveryError, Tools
from notify.event import Event
from notify.spec import WebhookSpec

_ANSWER_READ = 4096
_TRY_AGAIN = {408, 425, 429}


class WebhookChannel:
    """Posts to one URL; any 2xx is success, redirects are not followed."""

    batch = 1000

    def __init__(self, spec: WebhookSpec, tools: Tools, timeout: float) -> None:
        self._spec = spec
        self._tools = tools
        self._timeout = timeout

    async def deliver(self, events: Sequence[Event]) -> str:
        """Post the events and wait for the answer's status."""
        content_type, body = render.cloud_events(events)
        headers = {**dict(self._spec.headers), "Content-Type": content_type, "User-Agent": "hactl"}
        if self._spec.secret_file:
            headers["X-Hactl-Signature"] = signature(self._tools.secret(self._spec.secret_file), body)
        try:
            status = await self._post(headers, body)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise DeliveryError(str(error) or type(error).__name__) from error
        if not 200 <= status < 300:
            refused = 400 <= status < 500 and status not in _TRY_AGAIN
            raise DeliveryError(f"the receiver answered {status}", refused=refused)
        return ""

    async def _post(self, headers: dict[str, str], body: bytes) -> int:
        timeout = aiohttp.ClientTimeout(total=self._timeout)
        # An answer may be a bomb: it is neither unpacked nor read to its end.
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
            session.post(
                self._spec.url, data=body, headers=headers, allow_redirects=False, ssl=self._spec.verify
            ) as answer,
        ):
            await answer.content.read(_ANSWER_READ)
            answer.close()
            return answer.status


def signature(secret: str, body: bytes) -> str:
    """Value of X-Hactl-Signature: HMAC-SHA256 (RFC 2104) over the body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
