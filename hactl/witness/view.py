"""Witnesses as status shows them; core."""

from typing import NotRequired, TypedDict


class WitnessView(TypedDict):
    """One witness. `reason` says why it is not seen."""

    seen: bool
    reason: str


class WitnessesView(TypedDict):
    """All witnesses of this director, of which `need` must be seen. `holders`: who has the arbiter's lease, by router."""

    need: int
    targets: dict[str, WitnessView]
    holders: NotRequired[dict[str, str]]


def unseen(shown: WitnessesView) -> list[str]:
    """The witnesses not seen, in words."""
    return [
        f"{name} ({target['reason']})" if target["reason"] else name
        for name, target in shown["targets"].items()
        if not target["seen"]
    ]


def warnings(shown: WitnessesView | None) -> list[str]:
    """What a witness that is gone means for a director that can do without it still."""
    targets = shown["targets"] if shown else {}
    gone = unseen(shown) if shown else []
    if shown is None or not gone or len(targets) - len(gone) < shown["need"]:
        return []  # Below what is needed each router is in fault, and says so.
    spare = len(targets) - len(gone) - shown["need"]
    rest = f"{spare} more may go" if spare else "with the next one gone this director may not be master"
    return [f"not seen: witness {', '.join(gone)}; {rest}"]
