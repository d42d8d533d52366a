"""A tree judged whole: schema and rules, each finding at its place."""

from collections.abc import Iterable
from types import MappingProxyType

import msgspec

from hactl.config.fault import Fault
from hactl.config.rules import judge
from hactl.config.rules.finding import Finding, World
from hactl.config.schema.base import Objects
from hactl.config.schema.document import Document
from hactl.config.tree import Node, fault_at
from hactl.config.validate import NAMED, validate


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `document` is whole only where there is no fault."""

    document: Document | None = None
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()


def examine(root: Node, known: Objects = MappingProxyType({})) -> Verdict:
    """Judge a tree, in which `known` objects were read before. Never raises for anything in it."""
    document, faults = validate(root, known)
    findings = list(judge(World(document=document, names=_names(root)))) if document else []
    return Verdict(
        document=document,
        faults=(*faults, *_placed(root, findings, warnings=False)),
        warnings=tuple(_placed(root, findings, warnings=True)),
    )


def _names(root: Node) -> dict[str, frozenset[str]]:
    sections = root.value if isinstance(root.value, dict) else {}
    nodes = {section: sections[section].node.value for section in NAMED if section in sections}
    return {section: frozenset(value) for section, value in nodes.items() if isinstance(value, dict)}


def _placed(root: Node, findings: Iterable[Finding], *, warnings: bool) -> list[Fault]:
    return [
        fault_at(root, finding.path, finding.message, key=finding.key)
        for finding in findings
        if finding.warning is warnings
    ]
