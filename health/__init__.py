"""Health of real servers: probes, their verdicts, and when the next probe runs.

Its law: it imports the standard library, third-party libraries and itself, and knows nothing of IPVS or
of failover.
"""
