"""Addresses claimed by hand, without a daemon: `hactl takeover` and `hactl release`."""
