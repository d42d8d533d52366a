"""Every operation of the control API, from the table that the server itself uses; core."""

from collections.abc import Iterator

import msgspec

from hactl.control.refusals import Code
from hactl.control.roles import Role
from hactl.control.routes import ROUTES, Route
from hactl.reference.page import Entry, Page, Section

_TEXT = """HTTP/1.1 with JSON over the control socket, without credentials: the kernel says who asks, and `control.roles`
what those may do. GET takes a query, POST a JSON object in its body; an unknown key is refused. `/v1/openapi.json` describes
each request and answer whole (OpenAPI 3.1). A refusal is {"error": {"code": ..., "message": ...}}, for want of a role with
"needs"."""


def page() -> Page:
    """All of it."""
    return Page(
        title="API",
        name="hactl-api",
        number=7,
        short="every operation of hactl's control API",
        sections=(
            Section("THE API", _TEXT),
            Section("ROLES", "Each includes the ones before it.", tuple(_roles())),
            *map(_operation, ROUTES),
            Section("REFUSALS", "", tuple(Entry(code.value, str(code.status), code.text) for code in Code)),
        ),
    )


def _roles() -> Iterator[Entry]:
    for role in Role:
        yield Entry(role.value, "", role.text)


def _operation(route: Route) -> Section:
    changes = " It stands in the history with the name of who asked." if route.changes else ""
    return Section(
        f"{route.method} {route.path}",
        f"{route.summary}. Role {route.role.value}.{changes}",
        tuple(_keys(route.takes or route.asks)),
    )


def _keys(form: type[msgspec.Struct] | None) -> Iterator[Entry]:
    """The keys of what is asked."""
    if form is None:
        return
    _, parts = msgspec.json.schema_components([form])
    described = parts[form.__name__]
    for name, key in described["properties"].items():
        default = key.get("default")
        beside = "" if default in (None, "") else f"default {msgspec.json.encode(default).decode()}"
        yield Entry(name, "required" if name in described.get("required", ()) else beside, key["description"])
