"""Witnesses: who else must be seen, and whose lease must be had, before this director holds a VIP."""
