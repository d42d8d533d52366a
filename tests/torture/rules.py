"""The judge: which of the promises of DESIGN (§6, §7) and of the issue "Failover, whole" a round broke.

Its law: it sees a `Sight` and nothing else. What a fault excuses is said here in one place. Times in seconds.
"""

from torture.places import OPERATORS, VIP, VIP6
from torture.plan import LEASE, ORDERLY, TAKEOVER, Fault, Kind
from torture.sight import Done, Sight, Span

SLACK = 0.3
"""For a machine that is shared; the observer's own measured lateness comes on top."""
INTERVAL = 0.1
RECOVER = 6.0
"""From the last mend to one holder: a lease, a takeover, and up to 3 s for a daemon that is started again."""
ANSWERED_WITHIN = 1.1
"""The winner of two masters announces once a second at most; so long a client may still ask the loser."""
LEASE_ALONE = 60.0
GRATUITOUS_WITHIN = 0.5
CUT_OFF = frozenset(
    {Kind.SPLIT, Kind.DEAF, Kind.MUTE, Kind.PEERS_ONLY, Kind.ADVERTS_ONLY, Kind.LOSS, Kind.JITTER, Kind.CABLE}
)
"""Who hears nothing of the other must think it dead: two holders for as long as it lasts."""
UNPLUGGED = frozenset({Kind.CABLE, Kind.INTERFACE_DOWN, Kind.INTERFACE_ANEW})
OWN_ADDRESSES = frozenset({Kind.INTERFACE_DOWN, Kind.INTERFACE_ANEW})
"""These take the operator's addresses off and put them back."""


def overlap_excused(done: Done) -> float:
    """For how long two may hold the VIP because of a fault."""
    fault, lasted = done.fault, done.ended - done.began
    if fault.moves_nothing:
        return 0.0
    if fault.kind in ORDERLY:
        return 1.0
    if fault.kind in CUT_OFF:
        return lasted + 3 * INTERVAL + 0.5 * (fault.kind is Kind.JITTER)
    if fault.kind in (Kind.FREEZE, Kind.FREEZE_ALL):
        return min(lasted, LEASE) + INTERVAL
    return LEASE


def absence_excused(done: Done) -> float:
    """For how long nobody may hold it, where another director is well."""
    if done.fault.moves_nothing or done.fault.kind in ORDERLY:
        return 0.0
    if done.fault.kind in UNPLUGGED:
        return 2 * TAKEOVER
    if done.fault.kind in (Kind.NO_MEMORY, Kind.NO_DESCRIPTORS, Kind.CALLS_FAIL, Kind.VIP_REMOVED):
        return 2 * TAKEOVER
    return 0.0


def judge(sight: Sight, best: str) -> list[str]:
    """Every promise that was broken, one sentence each."""
    return [
        *_overlap(sight),
        *_answering(sight),
        *_absence(sight),
        *_recovery(sight, best),
        *_causes(sight),
        *_adverts(sight),
        *_announcements(sight),
        *_operators(sight),
        *_quiet(sight, best),
    ]


def _alone(sight: Sight) -> float:
    """A director that knows all its peers to be down has leases of a minute: killed then, it leaves its VIP for so long."""
    hurt = [done for done in sight.done if not done.fault.moves_nothing]
    others = ((a, b) for a in hurt for b in hurt if a.fault.subject != b.fault.subject)
    return LEASE_ALONE if any(a.began <= b.ended <= a.ended + RECOVER for a, b in others) else 0.0


def _slack(sight: Sight) -> float:
    return SLACK + 2 * sight.stall


def _total(spans: list[Span], least: int) -> float:
    return sum(span.end - span.begin for span in spans if len(span.hosts) >= least)


def _overlap(sight: Sight) -> list[str]:
    excused = sum(map(overlap_excused, sight.done)) + _alone(sight) + _slack(sight)
    found = []
    for address, late in ((VIP, 0.0), (VIP6, 0.5)):
        two = _total(sight.spans(address), 2)
        if two > excused + late:
            found.append(f"{address}: two holders for {two:.3f} s, {excused + late:.3f} s are excused")
    return found


def _answering(sight: Sight) -> list[str]:
    """Two hosts that answer the same question; in a handover the old one must be silent."""
    excused = sum(0.0 if d.fault.kind in ORDERLY else overlap_excused(d) for d in sight.done)
    excused += _alone(sight) + _slack(sight)
    slots: dict[int, set[str]] = {}
    for answer in sight.answers:
        slots.setdefault(int(answer.at / 0.05), set()).add(answer.host)
    two = 0.05 * sum(len(hosts) > 1 for hosts in slots.values())
    return [f"two answered for {two:.2f} s, {excused:.2f} s are excused"] if two > excused else []


def _absence(sight: Sight) -> list[str]:
    """Only where one director was well all the time: it can serve."""
    hurt = {done.fault.subject for done in sight.done if not done.fault.moves_nothing}
    if len(hurt) > 1 or (len(sight.done) > 1 and hurt):
        return []
    excused = sum(map(absence_excused, sight.done)) + (0.05 + 2 * sight.stall)
    gone = max((span.end - span.begin for span in sight.spans(VIP) if not span.hosts), default=0.0)
    return [f"nobody had the VIP for {gone:.3f} s, {excused:.3f} s are excused"] if gone > excused else []


def _recovery(sight: Sight, best: str) -> list[str]:
    """One holder within the bound after the last mend, and it stays so until the end's quiet."""
    one = [span for span in sight.spans(VIP) if len(span.hosts) == 1 and span.end > sight.mended]
    if not one:
        return ["no single holder after all was mended"]
    after = max(0.0, one[0].begin - sight.mended)
    limit = RECOVER + _slack(sight)
    return [f"the first single holder came {after:.3f} s after the last mend"] if after > limit else []


def _causes(sight: Sight) -> list[str]:
    """No takeover without cause."""
    if not all(done.fault.moves_nothing for done in sight.done) or sight.stall > INTERVAL:
        return []
    moves = sight.spans(VIP)[1:]
    return [f"the VIP moved {len(moves)} times without cause"] if moves else []


def _adverts(sight: Sight) -> list[str]:
    """No advert from one that does not hold the VIP: each falls into a holding, give or take a little."""
    late = 0.15 + 2 * sight.stall
    found: dict[str, list[float]] = {}
    for host in {advert.sender for advert in sight.adverts}:
        excused = [(d.began, d.ended + 1.0) for d in sight.done if _loses_unseen(d.fault, host)]
        held = sight.held(VIP, host) + excused
        for advert in sight.adverts:
            inside = any(begin - late <= advert.at <= end + late for begin, end in held)
            if advert.sender == host and advert.priority and not inside:
                found.setdefault(host, []).append(advert.at - sight.begin)
    return [
        f"{host} advertised {len(ats)} times without the VIP, first at {ats[0]:.3f} s"
        for host, ats in found.items()
    ]


def _loses_unseen(fault: Fault, host: str) -> bool:
    kinds = (Kind.VIP_REMOVED, Kind.INTERFACE_ANEW, Kind.CALLS_FAIL, Kind.NO_MEMORY, Kind.EVENTS_LOST)
    return fault.subject == host and fault.kind in kinds


def _announcements(sight: Sight) -> list[str]:
    """A host that got the VIP and was let alone announces it."""
    found = []
    for host in {event.host for event in sight.events if event.address == VIP}:
        hurt = [(d.began - 0.1, d.ended + 0.1) for d in sight.done if d.fault.subject == host]
        for begin, end in sight.held(VIP, host):
            limit = begin + GRATUITOUS_WITHIN + 2 * sight.stall
            if begin == sight.begin or end < limit or any(b < limit and e > begin for b, e in hurt):
                continue
            if not any(
                a.sender == host and a.address == VIP and begin - 0.05 <= a.at <= limit
                for a in sight.announcements
            ):
                found.append(f"{host} got the VIP at {begin - sight.begin:.3f} s and did not announce it")
    return found


def _operators(sight: Sight) -> list[str]:
    """Nobody touches an address of an operator's, not even to renew it."""
    found = []
    for event in sight.events:
        ours = [
            d
            for d in sight.done
            if d.fault.subject == event.host
            and d.fault.kind in OWN_ADDRESSES
            and d.began - 0.1 <= event.at <= d.ended + 1.0
        ]
        if event.address in OPERATORS and not ours:
            word = "written" if event.there else "removed"
            found.append(
                f"{event.host}: {event.address} was {word} at {event.at - sight.begin:.3f} s, not by its operator"
            )
    return found


def _untold(sight: Sight, best: str) -> bool:
    """Whether the client, and nobody else, was cut off from the best one while it announced: it asks the master before it
    until its own ARP gives that one up, or until the refresh."""
    began = max((begin for begin, _ in sight.held(VIP, best)), default=sight.begin)
    cuts = [d for d in sight.done if d.fault.kind is Kind.CLIENT_ONLY and d.fault.subject == best]
    healed = max((d.ended for d in cuts if d.began <= began <= d.ended), default=None)
    return healed is not None and not any(a.sender == best and a.at > healed for a in sight.announcements)


def _quiet(sight: Sight, best: str) -> list[str]:
    """In the end the best director holds the VIP, alone advertises, alone answers."""
    found = []
    # What was read in one go has one time: a machine that stood still shows all of it at once, in any order.
    spans = [span for span in sight.spans(VIP) if span.end > max(sight.settled, span.begin)]
    if any(span.hosts != {best} for span in spans):
        found.append(f"in the end {[sorted(span.hosts) for span in spans]} held the VIP")
    late = [a for a in sight.adverts if a.at > sight.settled]
    if {a.sender for a in late} != {best}:
        found.append(f"in the end adverts came from {sorted({a.sender for a in late})}")
    if {a.host for a in sight.answers if a.at > sight.settled + 0.05} != {best}:
        found.append(
            f"in the end {sorted({a.host for a in sight.answers if a.at > sight.settled + 0.05})} answered"
        )
    asked = [p for p in sight.probes if sight.settled + 0.05 < p.sent < sight.end - 0.2]
    wrong = [p.by or "nobody" for p in asked if p.by != best]
    if wrong and not _untold(sight, best):
        found.append(
            f"in the end {len(wrong)} of {len(asked)} datagrams were answered by {sorted(set(wrong))}"
        )
    return found
