"""Probes as text: each step with its time, then the verdict."""

from collections.abc import Iterable
from typing import Any

from hactl.cli.text import paint
from hactl.printable import printable
from hactl.probing.aim import Probed

_TIME = 11
_WORD = 10


def probes_text(probes: Iterable[Probed], colours: bool) -> list[str]:
    """The lines of all probes, with a blank one between two."""
    lines: list[str] = []
    for probed in probes:
        lines += ([""] if lines else []) + _probe(probed, colours)
    return lines


def probes_json(probes: list[Probed]) -> dict[str, Any]:
    """The same as an object."""
    return {"ok": all(probed.result.passed for probed in probes), "probes": list(map(_object, probes))}


def _probe(probed: Probed, colours: bool) -> list[str]:
    aim, result = probed.aim, probed.result
    within = f" in {aim.service}" if aim.service else ""
    where = f"{probed.address} port {aim.port}" if aim.port else probed.address
    what = aim.name if aim.name == aim.type else f"{aim.name} ({aim.type})"
    lines = [printable(f"{what} of {aim.server}{within}: {where}")]
    for name, at, said in probed.steps:
        head = f"{at * 1000:{_TIME - 4}.1f} ms  "
        first, *more = (printable(line) for line in said or ("",))
        lines.append(f"{head}{paint(printable(name).ljust(_WORD), 'dim', colours)}{first}".rstrip())
        lines += [" " * (_TIME + _WORD - 1) + line for line in more]
    verdict = paint("passed", "green", colours) if result.passed else paint("failed", "red", colours)
    why = [] if result.passed else [f"{result.reason}, {result.reason.text}"]
    words = ": ".join([*why, *([printable(result.detail)] if result.detail else [])])
    return [*lines, f"{verdict} after {result.elapsed * 1000:.1f} ms{': ' if words else ''}{words}"]


def _object(probed: Probed) -> dict[str, Any]:
    aim, result = probed.aim, probed.result
    return {
        "check": aim.name,
        "type": aim.type,
        "server": aim.server,
        "service": aim.service or None,
        "address": probed.address,
        "port": aim.port or None,
        "passed": result.passed,
        "reason": result.reason.value,
        "text": result.reason.text,
        "detail": result.detail,
        "number": result.number,
        "elapsed_ms": round(result.elapsed * 1000, 3),
        "steps": [
            {"at_ms": round(at * 1000, 3), "step": name, "lines": list(lines)}
            for name, at, lines in probed.steps
        ],
    }
