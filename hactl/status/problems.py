"""What is wrong, in a status snapshot: the worst, and who knows of each; core."""

from hactl.problems.acks import Ack
from hactl.problems.problems import Problem
from hactl.status.form import ProblemCounts, ProblemView
from hactl.status.picture import Picture, wall_text
from notify.problem import name

SHOWN = 200


def problems(picture: Picture) -> dict[str, ProblemView]:
    """By name, those that nobody has acknowledged first, then the most severe, then the oldest."""
    known = picture.acknowledged
    ranked = sorted(picture.problems, key=lambda one: (one.key in known, -one.severity.rank, one.since))
    return {name(one.key): _problem(one, known.get(one.key)) for one in ranked[:SHOWN]}


def counts(picture: Picture) -> ProblemCounts:
    """How many there are, and of how many somebody knows."""
    return {"open": len(picture.problems), "acknowledged": len(picture.acknowledged)}


def _problem(one: Problem, word: Ack | None) -> ProblemView:
    return {
        "topic": one.topic,
        "subject": one.subject,
        "event": one.kind,
        "severity": one.severity,
        "since": wall_text(one.since),
        "reason": one.reason,
        "acknowledged": None
        if word is None
        else {"by": word.by, "at": wall_text(word.at), "reason": word.reason, "target": word.target},
    }
