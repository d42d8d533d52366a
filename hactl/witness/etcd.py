"""An etcd cluster as arbiter, over its JSON gateway (etcd 3.4 and later: /v3); edge.

Owns the HTTP session and which endpoint is asked. Numbers are text in this JSON, keys and values base64; a field that is 0
or false is left out. An error has a field `error` up to etcd 3.5, and only a code and a message from 3.6 on; both have the
HTTP status of one. The law: an answer that is late, too long or not understood is no answer.
"""

import base64
import json
import ssl
from typing import Any

import aiohttp

from hactl.witness.lease import WITHIN, Question, Reply, Verb
from hactl.witness.spec import ArbiterSpec

_OK = 200
_NOT_FOUND = 5
"""gRPC's code for a lease that is no more."""
_LARGEST = 2**63 - 1


class NoAnswerError(Exception):
    """The arbiter could not be asked; the text says why."""


class Etcd:
    """One cluster. Raises OSError or ssl.SSLError when its TLS files cannot be used."""

    def __init__(self, spec: ArbiterSpec) -> None:
        self._spec = spec
        self._endpoint = 0
        timeout = aiohttp.ClientTimeout(total=WITHIN)
        connector = aiohttp.TCPConnector(ssl=_context(spec), limit_per_host=8)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def ask(self, question: Question, key: str, me: str) -> Reply:
        """The answer to one question about this key. Raises NoAnswerError."""
        lease = str(question.lease)
        match question.verb:
            case Verb.GRANT:
                answer = await self._post("lease/grant", {"TTL": str(self._spec.ttl)})
                if not (number := _number(answer.get("ID"))):
                    raise self._misunderstood()
                return Reply(lease=number, ttl=_number(answer.get("TTL")))
            case Verb.RENEW:
                answer = await self._post("lease/keepalive", {"ID": lease})
                if _is_gone(answer):
                    return Reply()
                if not isinstance(result := answer.get("result"), dict):
                    raise self._misunderstood()
                return Reply(ttl=_number(result.get("TTL")))
            case Verb.REVOKE:
                await self._post("lease/revoke", {"ID": lease})
                return Reply()
            case Verb.ACQUIRE:
                return await self._acquire(_coded(key), me, lease)

    async def _acquire(self, key: str, me: str, lease: str) -> Reply:
        """Make the key, if there is none; one that this host made before is made ours again."""
        put = {"request_put": {"key": key, "value": _coded(me), "lease": lease}}
        look = {"request_range": {"key": key}}
        free = {"key": key, "target": "CREATE", "result": "EQUAL", "create_revision": "0"}
        answer = await self._post("kv/txn", {"compare": [free], "success": [put], "failure": [look]})
        holder = me if answer.get("succeeded") is True else _value(answer)
        if _is_gone(answer) or holder != me or answer.get("succeeded") is True:
            return Reply(ttl=-1.0 if _is_gone(answer) else 0.0, holder=holder)
        mine = {"key": key, "target": "VALUE", "result": "EQUAL", "value": _coded(me)}
        answer = await self._post("kv/txn", {"compare": [mine], "success": [put], "failure": [look]})
        holder = me if answer.get("succeeded") is True else _value(answer)
        return Reply(ttl=-1.0 if _is_gone(answer) else 0.0, holder=holder)

    async def _post(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON answer; of those that are errors only "not found" is one."""
        url = f"{self._spec.endpoints[self._endpoint]}/v3/{what}"
        try:
            async with self._session.post(url, json=body, allow_redirects=False) as response:
                answer, status = json.loads(await response.content.readline() or b"{}"), response.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self._next()
            raise NoAnswerError(str(error) or type(error).__name__) from None
        except RecursionError:  # Nested so deeply that nothing reads it.
            raise self._misunderstood() from None
        if not isinstance(answer, dict):
            raise self._misunderstood()
        if ("error" in answer or status != _OK) and not _is_gone(answer):
            self._next()
            said = answer.get("error") or answer.get("message") or f"HTTP status {status}"
            raise NoAnswerError(str(said)[:200])
        return answer

    def _misunderstood(self) -> NoAnswerError:
        self._next()
        return NoAnswerError("it does not speak etcd's JSON")

    def _next(self) -> None:
        self._endpoint = (self._endpoint + 1) % len(self._spec.endpoints)


def _context(spec: ArbiterSpec) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=spec.ca_file)
    if spec.certificate_file is not None:
        context.load_cert_chain(spec.certificate_file, spec.key_file)
    return context


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _is_gone(answer: dict[str, Any]) -> bool:
    """Whether the lease that was asked about is no more."""
    return answer.get("code") == _NOT_FOUND


def _number(value: Any) -> int:
    """The whole number, 0 for what is none of etcd's (int64)."""
    try:
        number = int(value or 0)
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if abs(number) <= _LARGEST else 0


def _value(answer: dict[str, Any]) -> str:
    """The key's value in the answer to a failed transaction, empty where there is none."""
    try:
        coded = answer["responses"][0]["response_range"]["kvs"][0]["value"]
        return base64.b64decode(coded).decode(errors="replace")
    except (KeyError, IndexError, TypeError, ValueError):
        return ""
