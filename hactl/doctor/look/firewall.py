"""The packet filter's rules, from nft and iptables; edge.

Both need root's rights. Rules that iptables writes by nftables are seen through nft.
"""

import json
import os
import shutil
import subprocess

from hactl.doctor import iptables, nftables
from hactl.doctor.ruleset import Ruleset

_WITHIN = 10.0
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def ruleset() -> Ruleset:
    """Every chain of this network namespace. Raises PermissionError, and OSError where nothing can tell."""
    if os.geteuid() != 0:
        raise PermissionError(1, "the rules are shown to root only")
    nft = shutil.which("nft", path=_PATH)
    found: Ruleset = ()
    if nft is not None:
        found += _understood(_output(nft, "-j", "list", "ruleset"))
    savers = {"ip": _saver("iptables", nft), "ip6": _saver("ip6tables", nft)}
    if nft is None and not any(savers.values()):
        raise OSError(0, "neither nft nor iptables is installed")
    for family, saver in savers.items():
        if saver is not None:
            found += iptables.read(_output(saver), family)
    return found


def _understood(text: str) -> Ruleset:
    """The chains in nft's JSON. Raises OSError for what is none."""
    try:
        return nftables.read(json.loads(text)["nftables"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OSError(0, f"what nft prints is not understood ({type(error).__name__}: {error})") from error


def _saver(program: str, nft: str | None) -> str | None:
    """The program that tells what nft does not: the legacy one, or any where there is no nft."""
    legacy = shutil.which(f"{program}-legacy-save", path=_PATH)
    return legacy or (shutil.which(f"{program}-save", path=_PATH) if nft is None else None)


def _output(*command: str) -> str:
    """What the program prints. Raises OSError with its complaint."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_WITHIN)
    except subprocess.TimeoutExpired:
        raise OSError(0, f"{command[0]} did not answer within {_WITHIN:g} s") from None
    if done.returncode != 0:
        raise OSError(0, f"{command[0]}: {done.stderr.strip()[:200]}")
    return done.stdout
