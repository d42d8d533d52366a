"""What the long runs (torture, endurance) take on their command lines; argparse says the sentence of what is wrong."""

import argparse
import re

from hactl.config.duration import parse, written


def duration(text: str) -> float:
    """Seconds, more than none, of `10m`, or of a bare `600`."""
    try:
        seconds = parse(f"{text}s" if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None
    if not seconds:
        raise argparse.ArgumentTypeError(f"{written(seconds)} is no time at all")
    return seconds


def count(text: str) -> int:
    """One or more."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text}")
    return int(text)
