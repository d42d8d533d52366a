"""What routers track, as the failover worker and the health workers get it: all but carriers and services is a check."""

import math
from collections.abc import Iterator

from failover.spec import TrackedObject, TrackKind
from hactl.config.schema.track import Track, TrackFile, TrackProcess, TrackScript
from health.spec import CheckSpec, FileProbe, PingProbe, ProcessProbe, ScriptProbe

SERVICE_ID = "service:{}"
"""The id of a tracked service's verdict; no check's id has a colon."""
LOCAL_INTERVAL = 1.0
"""Seconds between looks at files and running programs."""
PING_INTERVAL, PING_TIMEOUT = 1.0, 0.5
"""Seconds between pings, and until one is lost: three in a row take at most 3.5 s."""


def tracked_objects(track: Track) -> Iterator[TrackedObject]:
    """Everything that a router tracks, in the order of the schema."""
    for name, weight in track.interfaces.items():
        yield TrackedObject(kind=TrackKind.INTERFACE, object=name, weight=weight)
    for address, weight in track.ping.items():
        yield TrackedObject(kind=TrackKind.PING, object=address, weight=weight, id=_ping(address).id)
    for name, weight in track.services.items():
        yield TrackedObject(kind=TrackKind.SERVICE, object=name, weight=weight, id=SERVICE_ID.format(name))
    for name, script in track.scripts.items():
        yield TrackedObject(kind=TrackKind.SCRIPT, object=name, weight=script.weight, id=_script(script).id)
    for name, file in track.files.items():
        yield TrackedObject(kind=TrackKind.FILE, object=name, weight=file.weight, id=_file(file).id)
    for name, process in track.processes.items():
        yield TrackedObject(
            kind=TrackKind.PROCESS, object=name, weight=process.weight, id=_process(process).id
        )


def tracking_checks(track: Track) -> Iterator[CheckSpec]:
    """The checks behind them."""
    yield from map(_ping, track.ping)
    yield from map(_script, track.scripts.values())
    yield from map(_file, track.files.values())
    yield from map(_process, track.processes.values())


def _ping(address: str) -> CheckSpec:
    return CheckSpec(address=address, port=0, probe=PingProbe(), interval=PING_INTERVAL, timeout=PING_TIMEOUT)


def _script(script: TrackScript) -> CheckSpec:
    return CheckSpec(
        address="",
        port=0,
        probe=ScriptProbe(command=tuple(script.command), user=script.user),
        interval=script.interval,
        fast_interval=script.interval,
        timeout=script.timeout,
        rise=script.rise,
        fall=script.fall,
    )


def _file(file: TrackFile) -> CheckSpec:
    """Two failures in a row, so that a file which is being written anew is not missing."""
    return CheckSpec(
        address="", port=0, probe=FileProbe(path=file.path), interval=LOCAL_INTERVAL, rise=1, fall=2
    )


def _process(process: TrackProcess) -> CheckSpec:
    """Gone for `delay` means that so many looks in a row after the first one do not find it either."""
    return CheckSpec(
        address="",
        port=0,
        probe=ProcessProbe(command=process.command, at_least=process.at_least),
        interval=LOCAL_INTERVAL,
        fast_interval=LOCAL_INTERVAL,
        rise=1,
        fall=1 + math.ceil(process.delay / LOCAL_INTERVAL),
    )
