"""A program that an operator gave to a router: run with what it is told; edge."""

import msgspec

from hactl import process
from hactl.config.model import Config
from hactl.routers.program_spec import RouterProgram


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
