"""Carrying out probes: sockets, TLS, time limits.

Its law: each probe started ends exactly once, whatever it meets.
"""
