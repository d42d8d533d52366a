"""The status snapshot: its form, and how it is made."""
