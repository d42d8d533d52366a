"""What is said about fencing between the failover worker, which never waits, and whoever runs the program."""

import msgspec


class FenceAsked(msgspec.Struct, frozen=True, tag=True):
    """A router waits for the master heard last (its address, empty for none heard) to be fenced."""

    router: str
    number: int
    master: str


class FenceDropped(msgspec.Struct, frozen=True, tag=True):
    """It waits no more for the end of this fencing; `failure`: in words why it counts as failed."""

    router: str
    number: int
    failure: str = ""


class FenceEnded(msgspec.Struct, frozen=True, tag=True):
    """What came of a fencing that was asked for by this number: it failed with these words, or (empty) went well."""

    router: str
    number: int
    failure: str


class LastMaster(msgspec.Struct, frozen=True, tag=True):
    """The address of the other master that an earlier worker on this host heard last."""

    router: str
    master: str


FenceAsk = FenceAsked | FenceDropped
FenceAnswer = FenceEnded | LastMaster
