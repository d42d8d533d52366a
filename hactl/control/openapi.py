"""The control API described as an OpenAPI 3.1 document, from the table and the forms that the server itself uses; core."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from hactl.control.answers import Refused, Rejected
from hactl.control.refusals import Code
from hactl.control.roles import Role
from hactl.control.routes import API_VERSION, ROUTES, Route

OPENAPI = "3.1.0"
_REF: Final = "#/components/schemas/{name}"
_ANYWHERE = (Code.FORBIDDEN, Code.INTERNAL, Code.UNAVAILABLE)
"""Refusals that any operation may meet."""
_INTRODUCTION = """HTTP/1.1 with JSON over the control socket (`control.socket`), and in part over the page. Who may do what
is judged by the user and the groups of the process that connects (`control.roles`), on the page by the token that it shows.
Each operation names the role that it needs; a refusal for want of it says so, and carries `error.needs`. Within a version
keys are added, and none is removed or given another meaning: let your program ignore those that it does not know."""

Document = dict[str, Any]


def document(version: str) -> Document:
    """The whole description, of this version of hactl."""
    schemas = _Schemas()
    paths: dict[str, Document] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": OPENAPI,
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": f"hactl control API, version {API_VERSION}",
            "version": version,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://localhost", "description": "the control socket"}],
        "tags": [{"name": role.value, "description": role.text} for role in Role],
        "paths": paths,
        "components": {"schemas": schemas.parts},
    }


class _Schemas:
    """The forms of all routes, each once under its name."""

    def __init__(self) -> None:
        kinds = [kind for route in ROUTES for kind in (route.gives, route.takes, route.asks) if kind]
        kinds += [Refused, Rejected]
        found, self.parts = msgspec.json.schema_components(kinds, ref_template=_REF)
        self._of = dict(zip(map(repr, kinds), found, strict=True))

    def of(self, kind: object) -> Document:
        """The schema of a form, as a rule a reference."""
        return self._of[repr(kind)]


def _operation(route: Route, schemas: _Schemas) -> Document:
    described: Document = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "description": f"Needs role {route.role.value}.",
        "tags": [route.role.value],
        "x-role": route.role.value,
        "responses": dict(_responses(route, schemas)),
    }
    if route.asks is not None:
        described["parameters"] = list(_parameters(schemas.parts[route.asks.__name__]))
    if route.takes is not None:
        described["requestBody"] = {
            "required": bool(schemas.parts[route.takes.__name__].get("required")),
            "content": _json(schemas.of(route.takes)),
        }
    return described


def _operation_id(route: Route) -> str:
    name = route.name.removesuffix(".json").replace("/", "_")
    return f"{'set' if route.changes else 'get'}_{name}" if route.name == "overrides" else name


def _responses(route: Route, schemas: _Schemas) -> Iterator[tuple[str, Document]]:
    yield "200", {"description": "Done.", "content": _json(schemas.of(route.gives))}
    taken = (Code.INVALID, Code.TOO_LARGE) if route.takes is not None else (Code.INVALID,)
    for code in sorted({*_ANYWHERE, *taken, *route.refusals}, key=lambda code: code.status):
        form = schemas.of(Rejected if code is Code.REJECTED else Refused)
        yield str(code.status), {"description": f"{code.text} (`{code.value}`).", "content": _json(form)}


def _parameters(form: Document) -> Iterator[Document]:
    """The members of a query's form, one by one."""
    for name, schema in form["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "description": schema["description"],
            "required": name in form.get("required", ()),
            "schema": schema,
        }


def _json(schema: Document) -> Document:
    return {"application/json": {"schema": schema}}
