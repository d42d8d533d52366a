"""The packet filter's rules, from nft and iptables; edge.

Both need root's rights. What iptables has written into nftables is read from iptables, which knows its own matches.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator

from hactl.doctor import iptables, nftables
from hactl.doctor.ruleset import Ruleset

_WITHIN = 10.0
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def ruleset() -> Ruleset:
    """Every chain of this network namespace. Raises PermissionError, and OSError where nothing can tell."""
    if os.geteuid() != 0:
        raise PermissionError(1, "the rules are shown to root only")
    nft = shutil.which("nft", path=_PATH)
    saved = [(family, _output(saver)) for family, saver in _savers()]
    if nft is None and not saved:
        raise OSError(0, "neither nft nor iptables is installed")
    try:
        native = nftables.read(json.loads(_output(nft, "-j", "list", "ruleset"))["nftables"]) if nft else ()
        others = [chain for family, text in saved for chain in iptables.read(text, family)]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise OSError(0, f"the rules are not understood ({type(error).__name__}: {error})") from error
    covered = {(family, table) for family, text in saved for table in iptables.tables(text)}
    return (*(chain for chain in native if (chain.family, chain.table) not in covered), *others)


def _savers() -> Iterator[tuple[str, str]]:
    """Every program that shows rules of iptables, with the family of these; the same one under two names is taken once."""
    for family, program in (("ip", "iptables"), ("ip6", "ip6tables")):
        names = (f"{program}-nft-save", f"{program}-legacy-save")
        found = [path for name in names if (path := shutil.which(name, path=_PATH)) is not None]
        plain = shutil.which(f"{program}-save", path=_PATH)
        for path in found or ([plain] if plain is not None else []):
            yield family, path


def _output(*command: str) -> str:
    """What the program prints. Raises OSError with its complaint."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_WITHIN)
    except subprocess.TimeoutExpired:
        raise OSError(0, f"{command[0]} did not answer within {_WITHIN:g} s") from None
    if done.returncode != 0:
        raise OSError(0, f"{command[0]}: {done.stderr.strip()[:200]}")
    return done.stdout
