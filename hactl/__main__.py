"""``python -m hactl``: the same command line as the installed ``hactl``."""

from hactl.cli import main

if __name__ == "__main__":
    main()
