"""hactl makes a Linux Virtual Server cluster highly available: one daemon on each director.

This package joins the three leaves ``health``, ``failover`` and ``notify``, which never import it. Its law:
importing it imports nothing else, because every worker process pays for what stands here.
"""

__version__ = "0.1.0"
