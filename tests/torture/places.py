"""The addresses of the campaign."""

VIP = "10.99.0.100"
VIP6 = "2001:db8::100"
OPERATORS = {"10.99.0.150": 0, "10.99.0.151": 5000, "2001:db8::150": 0}
"""Addresses of an operator's on every director, with their lifetimes (0: for ever): nobody may touch them."""
