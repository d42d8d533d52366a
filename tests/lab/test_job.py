"""A job is the text that the guest runs."""

import subprocess

import pytest

from hactl.lab import job


def test_only_hidden_folders_are_bound_through_outermost_first() -> None:
    """A folder inside one that is bound already, or in sight anyway, needs no bind of its own."""
    assert job.hidden(["/tmp/a/b", "/tmp/a", "/srv/x", "/tmpfoo", "/run/user/0", "/tmp/a"]) == (
        "/run/user/0",
        "/tmp/a",
    )


def test_a_job_survives_the_shell() -> None:
    """Words with spaces and quotes arrive in the job's command as they were given."""
    made = job.Job(command=("printf", "%s", "it's $HOME"), directory="/tmp", environment={"A": "x y"})
    text = job.job_script(made, "/m") + '(job); printf "|%s|" "$(guest_shown)"'
    assert (
        subprocess.run(["sh", "-c", text], check=False, capture_output=True, text=True).stdout
        == "it's $HOME||"
    )


@pytest.mark.parametrize(("text", "size"), [("512M", 512), ("1G", 1024), ("2g", 2048)])
def test_memory_is_written_with_a_unit(text: str, size: int) -> None:
    """M and G are mebibytes and gibibytes."""
    assert job.megabytes(text) == size


def test_memory_without_a_unit_is_refused() -> None:
    """A bare number says nothing about its unit."""
    with pytest.raises(ValueError, match="write 512M"):
        job.megabytes("512")
