"""Coverage-guided fuzzing with atheris: `PYTHONPATH=tests python -m fuzz --inputs N --state FOLDER [TARGET...]`.

Each target gets N inputs in all, in portions, each in a process of its own. The corpus and the count live in the folder, so
a run that was ended goes on where it was. The first finding ends the run; its input is kept and named.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

PORTION = 100_000
_LONGEST_INPUT = 2048
_MEMORY_MB = 512
_DONE = re.compile(r"^Done (\d+) runs", re.MULTILINE)


def fuzz_one(name: str, runs: int, folder: Path) -> None:
    """Run one portion in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["failover", "hactl", "health"], enable_loader_override=False):
        from fuzz.decoders import DECODERS
        from fuzz.links import LINKS
        from fuzz.paths import PATHS
    from fuzz.pace import LONGEST, STORY, in_time
    from fuzz.seeds import seeds

    target = {one.__name__: one for one in (*DECODERS, *LINKS, *PATHS)}[name]
    longest = STORY if target in PATHS else LONGEST
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(data)

    options = [
        f"-runs={runs}",
        f"-max_len={_LONGEST_INPUT}",
        f"-rss_limit_mb={_MEMORY_MB}",
        f"-artifact_prefix={folder}/finding-",
        "-timeout=10",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: in_time(target, data, longest))
    atheris.Fuzz()


def fuzz_target(name: str, inputs: int, state: Path) -> bool:
    """Bring a target's count to `inputs`; False when something was found."""
    folder = state / name
    folder.mkdir(parents=True, exist_ok=True)
    counter = folder / "inputs"
    done = int(counter.read_text()) if counter.exists() else 0
    began, before = time.monotonic(), done
    while done < inputs:
        portion = min(PORTION, inputs - done)
        one = [
            sys.executable,
            "-m",
            "fuzz",
            "--portion",
            "--inputs",
            str(portion),
            "--state",
            str(state),
            name,
        ]
        ended = subprocess.run(one, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        said = ended.stdout.decode(errors="replace")
        told = _DONE.search(said)
        if ended.returncode != 0 or told is None:
            print(said[-8000:])
            print(f"{name}: found something after {done} inputs; the input is kept in {folder}")
            return False
        done += int(told[1])
        counter.write_text(f"{done}\n")
    spent = time.monotonic() - began
    print(f"{name}: {done} inputs, {done - before} of them now in {spent:.0f} s, nothing found", flush=True)
    return True


def main() -> int:
    """Fuzz the targets named, or all; 1 when something was found."""
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--state", type=Path, default=Path(".fuzz"))
    parser.add_argument("--portion", action="store_true", help="one portion, in this process")
    asked = parser.parse_args()
    if asked.portion:
        fuzz_one(asked.targets[0], asked.inputs, asked.state / asked.targets[0])
        return 0
    from fuzz.seeds import TARGETS

    unknown = set(asked.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    return 0 if all(fuzz_target(name, asked.inputs, asked.state) for name in asked.targets or TARGETS) else 1


if __name__ == "__main__":
    sys.exit(main())
