"""The other directors, supervisor to supervisor."""
