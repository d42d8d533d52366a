"""Failover of virtual addresses between directors: VRRP elections, leases, announcements.

Its law: it imports the standard library, third-party libraries and itself, as little as it can, and knows
nothing of real servers or of alerts.
"""
