"""Another version of the program beside this checkout, for directors that are upgraded one after the other.

A copy of the packages with another version's name, in an environment of its own that borrows the libraries of this one.
"""

import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("hactl", "health", "failover", "notify")
ROOT = Path(__file__).parent.parent.parent


def another(folder: Path) -> str:
    """Makes it in this new folder; the path of its program `hactl`."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    code = folder / "code"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, code / package)
    renamed = code / "hactl" / "__init__.py"
    renamed.write_text(f'{renamed.read_text()}\n__version__ = "99.0"\n')
    library = next((folder / "lib").iterdir()) / "site-packages"
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (library / "another.pth").write_text("\n".join([str(code), *borrowed]) + "\n")
    program = folder / "bin" / "hactl"
    program.write_text(
        f"#!{folder}/bin/python\nimport sys\n\nfrom hactl.cli import main\n\nsys.exit(main())\n"
    )
    program.chmod(0o755)
    return str(program)
