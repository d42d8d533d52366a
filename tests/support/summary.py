"""The sum over all suites: reads their JUnit files, names what was skipped, ends with "N passed, N failed".

``python tests/support/summary.py RESULTS README``: RESULTS holds ``SUITE.xml`` as pytest writes it and,
for a suite that did not end well, ``SUITE.broken`` with the reason. Its law: a test that did not run counts
as failed unless README names it in backquotes and so says why; a suite that broke counts as failed even
when its file shows no failed test.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree


@dataclass
class Sum:
    """Names of tests by outcome. ``excused`` were skipped for a reason that README gives."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)

    def text(self) -> str:
        """All that a reader must know, the counts last."""
        lines = [f"FAILED {name}" for name in self.failed]
        lines += [f"SKIPPED, counted as failed: {name}" for name in self.skipped]
        lines += [f"SKIPPED, README says why: {name}" for name in self.excused]
        lines.append(f"{len(self.passed)} passed, {len(self.failed) + len(self.skipped)} failed")
        return "\n".join(lines)


def outcomes(report: str) -> dict[str, str]:
    """Outcome (passed, failed, skipped) by test name; of several for one test (its teardown) the worst."""
    found: dict[str, str] = {}
    for case in ElementTree.fromstring(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        marks = {child.tag for child in case}
        if marks & {"failure", "error"}:
            found[name] = "failed"
        elif "skipped" in marks:
            found.setdefault(name, "skipped")
        else:
            found.setdefault(name, "passed")
    return found


def add_suite(total: Sum, suite: str, report: str | None, broken: str | None, readme: str) -> None:
    """Adds one suite's tests; ``report`` is its JUnit text, ``broken`` why it did not end well."""
    found = outcomes(report) if report else {}
    for name, outcome in found.items():
        if outcome == "skipped" and f"`{name.partition('[')[0]}`" in readme:
            total.excused.append(name)
        else:
            getattr(total, outcome).append(name)
    if broken is not None and "failed" not in found.values():
        total.failed.append(f"{suite}: {broken}")


def text_of(path: Path) -> str | None:
    """The file's text, or None when there is no such file."""
    return path.read_text() if path.exists() else None


def summary(results: Path, readme: str) -> Sum:
    """The sum over every suite that left a file in ``results``."""
    total = Sum()
    for suite in sorted({path.stem for path in results.iterdir()}):
        report, broken = text_of(results / f"{suite}.xml"), text_of(results / f"{suite}.broken")
        add_suite(total, suite, report, broken, readme)
    return total


def main(results: str, readme: str) -> int:
    """Prints the sum; 0 only when something ran and nothing failed."""
    total = summary(Path(results), Path(readme).read_text())
    print(total.text())
    return 0 if total.passed and not total.failed and not total.skipped else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
