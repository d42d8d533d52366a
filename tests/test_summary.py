"""The last line of ``make test`` tells the truth about every suite."""

from pathlib import Path

import pytest

from support.summary import Sum, add_suite, main


def report(*cases: tuple[str, str]) -> str:
    """A JUnit file with (name, inner XML) for each test."""
    tests = "".join(
        f'<testcase classname="tests.test_a" name="{name}">{inner}</testcase>' for name, inner in cases
    )
    return f"<testsuites><testsuite>{tests}</testsuite></testsuites>"


def last_line(total: Sum) -> str:
    """The line with the counts."""
    return total.text().splitlines()[-1]


def test_counts_every_outcome() -> None:
    """Failures, errors and skips without a reason in README all count as failed."""
    total = Sum()
    cases = [("test_a", ""), ("test_b", "<failure/>"), ("test_c", "<error/>"), ("test_d", "<skipped/>")]
    add_suite(total, "unit", report(*cases), None, "")
    assert last_line(total) == "1 passed, 3 failed"
    assert "SKIPPED, counted as failed: tests.test_a.test_d" in total.text()


def test_a_failed_teardown_spoils_a_passed_test() -> None:
    """Of several outcomes of one test the worst counts, once."""
    total = Sum()
    add_suite(total, "unit", report(("test_a", ""), ("test_a", "<error/>")), None, "")
    assert last_line(total) == "0 passed, 1 failed"


def test_readme_excuses_a_skip_by_full_name() -> None:
    """A skip that README names is shown and not counted, for every parameter of the test."""
    total = Sum()
    add_suite(
        total, "unit", report(("test_a[x]", "<skipped/>")), None, "`tests.test_a.test_a`: no such kernel"
    )
    assert total.text() == "SKIPPED, README says why: tests.test_a.test_a[x]\n0 passed, 0 failed"


@pytest.mark.parametrize(
    ("text", "failed"), [(None, 1), (report(("test_a", "")), 1), (report(("test_a", "<failure/>")), 1)]
)
def test_a_broken_suite_counts_as_failed(text: str | None, failed: int) -> None:
    """A suite that was killed fails even without a failed test, and is not counted twice with one."""
    total = Sum()
    add_suite(total, "netns", text, "ended with exit status 137", "")
    assert len(total.failed) == failed


def test_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing run is no success; all passed is; one broken suite among good ones is not."""
    readme = tmp_path / "README.md"
    readme.touch()
    results = tmp_path / "results"
    results.mkdir()
    assert main(str(results), str(readme)) == 1
    (results / "unit.xml").write_text(report(("test_a", "")))
    assert main(str(results), str(readme)) == 0
    (results / "ipvs.broken").write_text("needs root's rights")
    assert main(str(results), str(readme)) == 1
    assert capsys.readouterr().out.endswith("FAILED ipvs: needs root's rights\n1 passed, 1 failed\n")
