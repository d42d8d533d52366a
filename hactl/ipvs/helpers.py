"""Kernel modules that a service needs beside IPVS itself and its scheduler, which the kernel loads by itself; core.

The law: only what the kernel never loads alone. FTP by nat names its own address in what it says; ip_vs_ftp translates it.
"""

from collections.abc import Iterable

from hactl.ipvs.spec import Forward, Protocol, ServiceSpec

FTP, FTP_PORT = "ip_vs_ftp", 21


def wanted(services: Iterable[ServiceSpec]) -> dict[str, str]:
    """The modules, each with the service that wants it first."""
    found: dict[str, str] = {}
    for spec in services:
        by_nat = any(server.forward is Forward.NAT for server in spec.servers)
        if spec.protocol is Protocol.TCP and spec.port == FTP_PORT and by_nat:
            found.setdefault(FTP, spec.name)
    return found


def missing(module: str, service: str) -> str:
    """What is said when the module is not there and cannot be loaded."""
    return (
        f"{service}: data connections of FTP by nat need the kernel module {module}: "
        f"modprobe {module}; echo {module} > /etc/modules-load.d/{module}.conf"
    )
