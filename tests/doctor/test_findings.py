"""The list of findings: each has its words, and a test in the lab that provokes it."""

from pathlib import Path

from hactl.doctor.finding import FindingId

LAB = [path for folder in ("netns", "ipvs") for path in (Path(__file__).parent.parent / folder).glob("*.py")]


def test_every_finding_is_provoked_in_the_lab() -> None:
    """Its name is in a test on a real host: a kind that nobody has ever seen is a guess."""
    texts = "\n".join(path.read_text() for path in LAB)
    assert [one.value for one in FindingId if f'"{one.value}"' not in texts] == []


def test_every_finding_has_its_words() -> None:
    """No two mean the same."""
    assert len({one.text for one in FindingId}) == len(FindingId)
