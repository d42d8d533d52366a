"""A program that an operator gave to a router: what it is told, and how its end reads; edge."""

import msgspec

from hactl import process
from hactl.config.model import Config
from hactl.routers.program_spec import RouterProgram

_SHOWN = 200


async def run(spec: RouterProgram, config: Config, **more: str) -> process.Exit:
    """Run it with the router's facts and `more`, as variables named HACTL_... and as JSON on its input."""
    facts = {
        "router": spec.router,
        "node": config.node,
        "cluster": config.cluster,
        "interface": spec.interface,
    }
    facts |= more
    env = {f"HACTL_{key.upper()}": value for key, value in facts.items()}
    env["HACTL_ADDRESSES"] = " ".join(spec.addresses)
    stdin = msgspec.json.encode(facts | {"addresses": spec.addresses}) + b"\n"
    return await process.run(spec.command, env=env, stdin=stdin, timeout=spec.timeout, user=spec.user)


def failure(ended: process.Exit) -> str:
    """Why it failed, with the last line that it wrote; empty when it ended well."""
    if ended.ok:
        return ""
    lines = ended.output.decode(errors="replace").strip().splitlines()
    said = "".join(c for c in (lines[-1] if lines else "") if c.isprintable())[:_SHOWN]
    return f"{ended.text}: {said}" if said else ended.text
