"""`ipvs`: the kernel's table as a whole."""

from typing import Annotated

from pydantic import Field

from hactl.config.schema.base import Section
from hactl.config.schema.scalars import Duration, WholeSeconds


class Timeouts(Section):
    """How long the kernel keeps idle connections. Default for each: what the kernel has."""

    tcp: WholeSeconds | None = Field(None, description="An established TCP connection (the kernel's: 15m).")
    tcpfin: WholeSeconds | None = Field(None, description="A TCP connection after FIN (the kernel's: 2m).")
    udp: WholeSeconds | None = Field(None, description="A UDP exchange (the kernel's: 5m).")


class Ipvs(Section):
    """Read-back and the kernel's switches. A switch that is not given is left as it is."""

    reconcile: Duration = Field(10.0, description="The table is read back and put right this often.")
    timeouts: Timeouts = Field(Timeouts(), description="Idle times of connections.")
    expire_nodest_conn: bool | None = Field(None, description="Connections to a removed server end at once.")
    expire_quiescent_template: bool | None = Field(
        None, description="Persistence to a server at weight 0 ends at once."
    )
    sloppy_tcp: bool | None = Field(None, description="A TCP connection may be taken up in its middle.")
    conntrack: bool | None = Field(None, description="IPVS keeps netfilter's connection tracking.")
    conn_reuse_mode: Annotated[int, Field(ge=0, le=3)] | None = Field(
        None, description="What a reused client port means; 0 to 3, see the kernel's ipvs-sysctl."
    )
    sync_threshold: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)] | None = (
        Field(
            None, description="Connections are synchronised from this packet on, and every so many: [3, 50]."
        )
    )
