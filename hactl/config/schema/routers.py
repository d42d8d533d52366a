"""`routers`: the addresses that move between directors, and how the directors elect who has them."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    WithJsonSchema,
)

from hactl.config import duration
from hactl.config.schema.base import Also, Section, address_or_mapping, refuse
from hactl.config.schema.scalars import (
    AbsolutePath,
    Address,
    Duration,
    InterfaceHere,
    Name,
    PrefixedAddress,
    WholeSeconds,
    canonical,
    one_or_each,
)
from hactl.config.schema.takeover import Fence, Takeover
from hactl.config.schema.track import Track
from hactl.config.schema.ways import Route, Rule

Priority = Annotated[int, Field(ge=1, le=255)]
TimeToLive = Annotated[int, Field(ge=1, le=255)]


def _lease(value: Any) -> Any:
    if value in ("auto", "off"):
        return value
    try:
        seconds = duration.parse(value)
    except ValueError as error:
        text = str(error)
        raise refuse(
            text if "unit" in text else "must be auto, off or a duration such as 3s, not {value}"
        ) from None
    if seconds % 1:
        raise refuse("must be whole seconds (the kernel counts address lifetimes so), not {value}")
    return seconds


def _source(value: str) -> str:
    return value if value == "auto" else canonical(value)


def _accept(value: Any) -> Any:
    if value != "any" and not (isinstance(value, list) and len(value) == 2):
        raise refuse("must be [lowest, highest] or the word any")
    return value


Lease = Annotated[
    float | str,
    BeforeValidator(_lease),
    PlainSerializer(
        lambda lease: lease if isinstance(lease, str) else duration.written(lease), return_type=str
    ),
    WithJsonSchema({"anyOf": [{"enum": ["auto", "off"]}, {"type": "string", "pattern": "^[0-9]+[smh]$"}]}),
]
SourceAddress = Annotated[str, AfterValidator(_source)]
SourceHere = Annotated[
    Annotated[SourceAddress, Tag("<one>")] | Annotated[dict[Name, SourceAddress], Tag("<each>")],
    Discriminator(one_or_each),
]
Accept = Annotated[
    list[TimeToLive] | str,
    BeforeValidator(_accept),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "any"},
                {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
            ]
        }
    ),
]


class VirtualAddress(Section):
    """One address that moves, with what is particular about it."""

    address: PrefixedAddress = Field(description="The address; without a prefix length /32 or /128 is meant.")
    interface: InterfaceHere | None = Field(
        None, description="The interface it goes on. Default: the router's."
    )
    label: Annotated[str, Field(min_length=1, max_length=15)] | None = Field(
        None, description="Label of an IPv4 address, as ip(8) shows it. Default: none."
    )
    advertise: bool = Field(
        True,
        description="Listed in adverts. Those of the other family must say false; they move along silently.",
    )


VirtualAddressHere = Annotated[
    VirtualAddress,
    BeforeValidator(address_or_mapping),
    Also({"type": "string"}),
]


class TimesToLive(Section):
    """IP time to live (IPv6: hop limit) of adverts."""

    send: TimeToLive = Field(255, description="TTL of the adverts sent.")
    accept: Accept | None = Field(
        None,
        description="Lowest and highest TTL accepted, or any. Default: [255, 255]; any for unicast IPv6.",
    )


class LinkDelay(Section):
    """How long a change of carrier must last before it counts."""

    up: Duration = Field(0.0, description="Carrier must be back this long before the router leaves fault.")
    down: Duration = Field(0.0, description="Carrier must be gone this long before it is a fault.")


class Announce(Section):
    """Gratuitous ARP and unsolicited neighbour advertisements."""

    burst: Annotated[list[Duration], Field(min_length=1, max_length=50)] = Field(
        [0.0, 0.1, 0.3, 0.7, 1.5], description="When each VIP is announced after a takeover."
    )
    refresh: Duration = Field(60.0, description="Announced again this often while master; 0s: never.")
    pace: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        1000, description="At most so many frames a second on an interface."
    )


class Authentication(Section):
    """How adverts are authenticated. VRRPv2: none or password; VRRPv3: none or hmac."""

    type: Literal["none", "password", "hmac"] = Field("none", description="none, password (v2) or hmac (v3).")
    password_file: AbsolutePath | None = Field(None, description="File with the password of VRRPv2.")
    key_file: AbsolutePath | None = Field(
        None,
        description="File with the keys of the HMAC trailer, one a line: a number from 0 to 255 and a secret of 32 to 64 "
        "bytes, or hex: and its digits. The first sends, all are taken.",
    )
    rollout: Literal["receive", "send", "require"] | None = Field(
        None,
        description="How far hmac is introduced. receive: a trailer is checked where there is one; send: sent as well; "
        "require: adverts without are dropped. Default: require.",
    )
    replay: Literal["time", "increasing"] | None = Field(
        None,
        description="What makes an advert with a trailer old. time: its time is too far from ours, or it is not newer than "
        "the sender's last; increasing: the latter only. Default: time.",
    )
    window: Duration | None = Field(
        None, description="How far a sender's clock may be from ours, with replay: time. Default: 5s."
    )


class Router(Section):
    """One virtual router: a VRRP instance and the VIPs that move together."""

    vrid: Annotated[int, Field(ge=1, le=255)] = Field(
        description=(
            "The number by which VRRP knows this router on its link: any from 1 to 255 that no other router "
            "there has, of hactl or of anybody else."
        )
    )
    interface: InterfaceHere = Field(
        description=(
            "The interface that adverts are sent on and VIPs are put on: eth0, or where it has another name on "
            "each director {lb1: eth0, lb2: ens3}."
        )
    )
    addresses: Annotated[list[VirtualAddressHere], Field(min_length=1, max_length=2000)] = Field(
        description="The VIPs: addresses, or mappings with address, interface, label, advertise. "
        "Adverts list IPv6's link-local ones first."
    )
    source: SourceHere = Field(
        "auto",
        description="Source of adverts, per director if need be. auto: the interface's primary address "
        "(IPv6 multicast: always the link-local one).",
    )
    peers: dict[Name, Address] | None = Field(
        None, description="Unicast only: where a director's adverts go. Default: the directors' addresses."
    )
    ttl: TimesToLive = Field(TimesToLive(), description="TTL of adverts, sent and accepted.")
    version: Literal[2, 3] = Field(3, description="VRRP's version: 3 (RFC 9568) or 2 (RFC 3768).")
    transport: Literal["multicast", "unicast"] = Field(
        "multicast",
        description=(
            "How adverts travel: multicast to all on the link, or unicast to each other director, for networks "
            "that lose multicast."
        ),
    )
    advert_interval: Duration | None = Field(
        None,
        description="Time between adverts. v3: 10ms to 40.95s in steps of 10ms, default 100ms; "
        "v2: whole seconds, default 1s.",
    )
    priority: dict[Name, Priority] | None = Field(
        None,
        description="Priority by director, over the directors' own. Default: 150, 140, ... in their order.",
    )
    preempt: bool = Field(True, description="A better director takes over from a worse one that is master.")
    preempt_delay: Duration = Field(
        0.0,
        description="How long a better director waits, with the worse one as master, before it takes over.",
    )
    lease: Lease = Field(
        "auto",
        description="How long the kernel keeps a VIP that nobody renews: whole seconds, or off. auto: "
        "max(2 s, 1.5 x (slowest peer's master-down time + 0.5 s), rounded up).",
    )
    lease_alone: WholeSeconds = Field(
        60.0,
        description=(
            "The lease while every other director is known to be down: nobody could take over, so a busy "
            "master shall not lose its VIPs."
        ),
    )
    startup_delay: Duration = Field(
        0.0, description="After a start, listen so long before taking part in elections."
    )
    link_delay: LinkDelay = Field(LinkDelay(), description="How long a change of carrier must last to count.")
    down_after: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="So many adverts in a row must be missing until a master counts as down."
    )
    announce: Announce = Field(Announce(), description="Gratuitous ARP and neighbour advertisements.")
    virtual_mac: bool = Field(
        False,
        description=(
            "VIPs on a macvlan of their own with VRRP's MAC address, from which adverts come and which moves with "
            "them: no client need learn a new one."
        ),
    )
    accept: bool = Field(
        True,
        description="Whether programs of the master answer at the VIPs. false: only IPVS services do; not even a ping is "
        "answered by the director itself.",
    )
    routes: Annotated[list[Route], Field(max_length=200)] = Field(
        [], description="Routes that are there while this director has the VIPs."
    )
    rules: Annotated[list[Rule], Field(max_length=200)] = Field(
        [], description="Routing rules that are there while this director has the VIPs."
    )
    authentication: Authentication = Field(Authentication(), description="How adverts are authenticated.")
    checksum: Literal["pseudo-header", "message-only"] = Field(
        "pseudo-header", description="Checksum of VRRPv3 over IPv4 when sending; all forms are received."
    )
    takeover: Takeover | None = Field(
        None,
        description="A program that is told of each change of role, for networks without ARP. Default: none.",
    )
    fence: Fence | None = Field(
        None,
        description="A program that cuts a silent master off before a takeover without a heard release. Default: none.",
    )
    track: Track = Field(Track(), description="What else must be well for this director to be master.")
