"""What became of a configuration file, as far as a daemon needs to know it; core."""

import msgspec

from hactl.config.fault import Fault
from hactl.config.model import Config


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file.

    `config` is there when the file has no fault and this host is a director. When the file is sound but the host is
    none (or `--node` names none), `config` is None and `stranger` says so in a sentence.
    """

    path: str
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    config: Config | None = None
    stranger: str = ""
