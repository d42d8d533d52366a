"""Pictures of the page, `hactl top` and the report for the documentation, from a real cluster: `make screenshots`.

The cluster lives in the lab, which may be a guest without a browser. So what its daemons said is recorded there (`story`)
and shown here, by the program's own page, screen and report, to a real Chromium (`pictures`).

``python -m screenshots [--record FOLDER]``: with ``--record`` the story is not played again, FOLDER holds what a former run
recorded.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from screenshots import pictures, story

from hactl.lab import guest, kernel
from hactl.lab.kernel import Place

ROOT = Path(__file__).parents[2]
GUEST_LIMIT = 580.0


def play(folder: Path) -> None:
    """The story, here or in a guest."""
    if kernel.choose(kernel.inspect()) is Place.HERE:
        story.main(folder)
        return
    command = [sys.executable, "-m", "screenshots.story", str(folder)]
    status = guest.run(guest.make_job(command, memory="1G", time_limit=GUEST_LIMIT, shown=[str(folder)]))
    if status != 0:
        sys.exit(f"screenshots: the story ended with status {status}")


def main() -> None:
    """Play or take what was played; then the pictures, with the size of each."""
    options = argparse.ArgumentParser()
    options.add_argument("--record", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hactl-shots-", dir="/var/tmp") as made:
        folder = given.record or Path(made)
        if not (folder / "record.json").exists():
            folder.mkdir(exist_ok=True)
            play(folder)
        for file in pictures.take(folder, ROOT / "docs" / "pictures"):
            print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
