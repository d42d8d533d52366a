"""Reading the daemon's configuration, in a process of its own.

Its law: it reads one file, says on standard output what became of it, and ends. So the daemon never carries what only
reading needs, the schema and its library, which are a quarter of its memory; nor does a large file hold it up.
"""

import sys

import msgspec

from hactl.config.load import load
from hactl.config.reading import Reading


def main() -> None:
    """Entry point: `python -I -m hactl.workers.reader PATH [NODE]`."""
    path, *node = sys.argv[1:]
    loaded = load(path, node[0] if node else None)
    fields = {name: getattr(loaded, name) for name in Reading.__struct_fields__}
    sys.stdout.buffer.write(msgspec.msgpack.encode(Reading(**fields)))


if __name__ == "__main__":
    main()
