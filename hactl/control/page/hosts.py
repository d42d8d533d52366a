"""Whether a request was meant for this page; core.

The law: a page in somebody's browser must not reach ours under a name of its own (DNS rebinding). An IP address cannot
be rebound; of names only those that the operator knows are taken.
"""

import ipaddress
import re
from collections.abc import Collection

_HOST = re.compile(r"^(?P<bracketed>\[[0-9A-Fa-f:.]+\])?(?P<name>[^:\[\]]*)(:\d{1,5})?$")


def is_meant(header: str, names: Collection[str]) -> bool:
    """Whether the Host header `header` is an address, localhost, or one of `names` (lower case)."""
    found = _HOST.match(header)
    if found is None:
        return False
    if found["bracketed"]:
        return not found["name"] and _is_address(found["bracketed"][1:-1])
    name = found["name"].lower().rstrip(".")
    return name == "localhost" or name in names or _is_address(name)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
