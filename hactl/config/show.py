"""The effective configuration: the file with every default filled in, secrets masked.

What is shown is a file again: loading it gives the same specs, apart from what was masked and the digest.
"""

from typing import Any
from urllib.parse import urlsplit

from hactl.config import resolve
from hactl.config.duration import written
from hactl.config.schema.checks import Check
from hactl.config.schema.document import Document
from hactl.config.schema.routers import Router
from hactl.config.schema.services import Service
from hactl.secrets.masks import MASK


def shown_document(document: Document, node: str) -> dict[str, Any]:
    """The document as a mapping that YAML can write, with the values that hold on one director."""
    shown: dict[str, Any] = document.model_dump(by_alias=True, exclude_none=True)
    for name, priority in resolve.director_priorities(document).items():
        shown["directors"][name]["priority"] = priority
    for name, router in document.routers.items():
        shown["routers"][name] |= _router(document, router, node)
    if document.sync is not None and (followed := resolve.sync_router(document)) is not None:
        shown["sync"]["router"] = followed
    for name, service in document.services.items():
        _fill_service(document, service, shown["services"][name])
    for name, channel in shown["notify"].items():
        shown["notify"][name] = _channel(channel, node)
    masked: dict[str, Any] = _tidy(shown)
    return masked


def _router(document: Document, router: Router, node: str) -> dict[str, Any]:
    lease = resolve.lease(document, router, node)
    accept = resolve.accepted_ttl(router)
    filled: dict[str, Any] = {
        "advert_interval": written(resolve.interval(router)),
        "priority": resolve.priorities(document, router),
        "lease": written(lease) if lease else "off",
        "ttl": {"send": router.ttl.send, "accept": list(accept) if accept else "any"},
    }
    if router.transport == "unicast":
        peers = resolve.peer_addresses(document, router)
        filled["peers"] = {name: address for name, address in peers.items() if address}
    return filled


def _filled_check(shown: dict[str, Any]) -> dict[str, Any]:
    """A check with the times that follow from its interval."""
    check = Check(interval=shown["interval"])
    return {"fast_interval": written(check.fast), "timeout": written(check.patience)} | shown


def _fill_service(document: Document, service: Service, shown: dict[str, Any]) -> None:
    if service.fwmark is None:
        shown["protocol"] = service.protocol or "tcp"
    shown["on_down"] = resolve.on_down(service)
    shown["table"] = "master" if resolve.only_while_holding(document, service) else "always"
    if service.forward == "tun":
        shown.setdefault("tun", {"type": "ipip"})
    for server in shown.get("servers", {}).values():
        server.setdefault("forward", service.forward)
        if service.port:
            server.setdefault("port", service.port)


def _channel(shown: dict[str, Any], node: str) -> dict[str, Any]:
    """Channels of chat systems carry their secret in the URL, so only its host is shown."""
    if "url" in shown:
        parts = urlsplit(shown["url"])
        shown["url"] = f"{parts.scheme}://{parts.hostname}/{MASK}"
    if shown["type"] == "plugin" and shown.get("options"):
        shown["options"] = dict.fromkeys(shown["options"], MASK)
    if shown["type"] == "email":
        shown.setdefault("from", f"hactl@{node}")
    return shown


def _tidy(value: Any) -> Any:
    """Without empty parts, checks filled, the headers of requests masked."""
    if isinstance(value, dict):
        value = _filled_check(value) if {"type", "interval", "rise"} <= value.keys() else value
        kept = {
            key: _masked_headers(item) if key == "headers" else _tidy(item) for key, item in value.items()
        }
        return {key: item for key, item in kept.items() if item not in ({}, []) or key == "servers"}
    return [_tidy(item) for item in value] if isinstance(value, list) else value


def _masked_headers(headers: Any) -> Any:
    return dict.fromkeys(headers, MASK) if isinstance(headers, dict) else headers
