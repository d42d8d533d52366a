"""How a log is judged, round by round."""

from pathlib import Path

from torture.logs import Log


def test_each_round_is_judged_by_its_own_faults(tmp_path: Path) -> None:
    """What a fault excused is not found later; what came after it is."""
    path = tmp_path / "log"
    log = Log(path, ["Traceback"])
    path.write_text("well\n")
    assert log.complaints(excused=False) == []
    with path.open("a") as file:
        file.write("Traceback é\n")
    assert log.complaints(excused=True) == []
    assert log.complaints(excused=False) == []
    with path.open("a") as file:
        file.write("Traceback again\n")
    assert log.complaints(excused=False) == ["Traceback again\n"]
