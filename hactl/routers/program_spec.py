"""What every program of a router has in the configuration."""

import msgspec


class RouterProgram(msgspec.Struct, frozen=True, kw_only=True):
    """A router's program, run without a shell as `user` for at most `timeout` seconds."""

    router: str
    interface: str
    addresses: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    timeout: float = 10.0


class FenceProgram(RouterProgram, frozen=True, kw_only=True):
    """The program that cuts a silent master off. `required`: without its success no takeover."""

    required: bool = False
