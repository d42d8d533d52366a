"""`witness`: who else must be seen, or must grant a lease, before a director holds a VIP."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from hactl.config.schema.base import Section, refuse
from hactl.config.schema.scalars import AbsolutePath, Address, Duration, Listen, WholeSeconds


def _endpoint(value: str) -> str:
    try:
        parts = urlsplit(value)
        bare = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username)
        sound = bare and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise refuse("must be the URL of an etcd member, such as http://10.0.0.5:2379, not {value}")
    return value.rstrip("/")


class Etcd(Section):
    """An etcd cluster (3.4 or later) as arbiter: only the holder of its key may hold the VIPs."""

    endpoints: Annotated[
        list[Annotated[str, AfterValidator(_endpoint)]], Field(min_length=1, max_length=16)
    ] = Field(description="Its members' client URLs; the next is asked when one does not answer.")
    ttl: WholeSeconds | None = Field(
        None,
        description="How long the key outlives a holder that is silent. Default and least: twice the longest lease of a "
        "router and 5s.",
    )
    prefix: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        "hactl/", description="What the keys begin with; the cluster and the router or group follow."
    )
    ca_file: AbsolutePath | None = Field(
        None, description="Whom to trust with https. Default: as the system."
    )
    certificate_file: AbsolutePath | None = Field(None, description="The client's certificate.")
    key_file: AbsolutePath | None = Field(None, description="Its key.")


class Target(Section):
    """One witness: one of its keys."""

    ping: Address | None = Field(None, description="An address that answers pings.")
    tcp: Listen | None = Field(None, description="ADDRESS:PORT that takes connections.")
    etcd: Etcd | None = Field(None, description="An etcd cluster as arbiter; one at most.")


class Witness(Section):
    """A director that does not see its witnesses is not master. Off unless given."""

    targets: Annotated[list[Target], Field(min_length=1, max_length=32)] = Field(
        description="The witnesses: [{ping: 10.0.0.1}, {tcp: 10.0.0.9:443}, {etcd: {endpoints: [...]}}]."
    )
    need: Annotated[int, Field(ge=1, le=32)] | None = Field(
        None, description="How many of them must be seen, etcd always among them. Default: more than half."
    )
    patience: Duration = Field(
        5.0, description="How long a target counts as seen after it answered last; asked each second."
    )
