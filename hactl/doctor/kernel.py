"""The kernel of a director: old enough, with IPVS and the schedulers that the file names; core.

The law: a module that can be loaded is no finding before the daemon runs, which loads it.
"""

from collections.abc import Iterator

import msgspec

from hactl.config.model import Config
from hactl.doctor.finding import Finding, FindingId, finding
from hactl.doctor.model import Host
from hactl.ipvs.schedulers import scheduler_module

_ANOTHER_KERNEL = (
    "apt-get install linux-image-amd64 && reboot   # a kernel with all modules of IPVS, here Debian's"
)


class Modules(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel's modules by name. `there`: loaded or built in. `loadable` None: the folder of modules is missing.

    `marks`: this kernel keeps marks of addresses (5.18).
    """

    there: frozenset[str] = frozenset()
    loadable: frozenset[str] | None = None
    ipvs: bool = False
    marks: bool = True


def judge(config: Config, host: Host, modules: Modules) -> Iterator[Finding]:
    """What this kernel lacks."""
    if config.failover.routers and not modules.marks:
        yield finding(
            FindingId.KERNEL_OLD,
            host.release,
            f"the kernel is {host.release}",
            "apt-get dist-upgrade && reboot",
        )
    if not config.services:
        return
    if not modules.ipvs:
        yield from _no_ipvs(host, modules)
        return
    for name in dict.fromkeys(scheduler_module(service.scheduler) for service in config.services):
        if modules.loadable is not None and name not in modules.there | modules.loadable:
            users = ", ".join(one.name for one in config.services if scheduler_module(one.scheduler) == name)
            seen = f"{users} need {name}, which is not among the modules of {host.release}"
            yield finding(FindingId.MODULE_MISSING, name, seen, _ANOTHER_KERNEL)


def _no_ipvs(host: Host, modules: Modules) -> Iterator[Finding]:
    can_load = modules.loadable is not None and "ip_vs" in modules.loadable
    if can_load and not host.running:
        return
    seen = "there is no /proc/net/ip_vs"
    if not can_load and modules.loadable is not None:
        seen += f", and no ip_vs among the modules of {host.release}"
    elif not can_load:
        seen += f", and no folder of modules for {host.release}"
    yield finding(FindingId.IPVS_MISSING, "ip_vs", seen, "modprobe ip_vs" if can_load else _ANOTHER_KERNEL)
