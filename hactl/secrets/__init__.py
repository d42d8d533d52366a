"""Secrets of a configuration: which files, for whom, and how they are kept out of sight."""
