"""The packet filter's rules, from nft and iptables; edge.

Both need root's rights. What iptables has written into nftables is read from iptables, which knows its own matches.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from hactl.doctor import iptables, nftables
from hactl.doctor.ruleset import Ruleset

_WITHIN = 10.0
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def ruleset() -> Ruleset:
    """Every chain of this network namespace. Raises PermissionError, and OSError where nothing can tell."""
    if os.geteuid() != 0:
        raise PermissionError(1, "the rules are shown to root only")
    nft = shutil.which("nft", path=_PATH)
    saved = [(family, _output(saver), Path(saver).name.removesuffix("-save")) for family, saver in _savers()]
    if nft is None and not saved:
        raise OSError(0, "neither nft nor iptables is installed")
    try:
        native = nftables.read(json.loads(_output(nft, "-j", "list", "ruleset"))["nftables"]) if nft else ()
        others = [chain for family, text, program in saved for chain in iptables.read(text, family, program)]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise OSError(0, f"the rules are not understood ({type(error).__name__}: {error})") from error
    covered = {(family, table) for family, text, _ in saved for table in iptables.tables(text)}
    return (*(chain for chain in native if (chain.family, chain.table) not in covered), *others)


def _savers() -> Iterator[tuple[str, str]]:
    """The programs that show rules of iptables, with the family of these: of nftables' kind, and of the older one."""
    for family, program in (("ip", "iptables"), ("ip6", "ip6tables")):
        plain = shutil.which(f"{program}-save", path=_PATH)
        newer = shutil.which(f"{program}-nft-save", path=_PATH)
        older = shutil.which(f"{program}-legacy-save", path=_PATH) if _has_legacy(family) else None
        chosen = [path for path in (newer, older) if path is not None]
        for path in chosen or ([plain] if plain is not None else []):
            yield family, path


def _has_legacy(family: str) -> bool:
    """Whether the older kind has tables here: its program would have the kernel load them to show that they are empty."""
    try:
        return bool(Path(f"/proc/net/{family}_tables_names").read_text())
    except OSError:
        return False


def _output(*command: str) -> str:
    """What the program prints. Raises OSError with its complaint."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_WITHIN)
    except subprocess.TimeoutExpired:
        raise OSError(0, f"{command[0]} did not answer within {_WITHIN:g} s") from None
    if done.returncode != 0:
        raise OSError(0, f"{command[0]}: {done.stderr.strip()[:200]}")
    return done.stdout
