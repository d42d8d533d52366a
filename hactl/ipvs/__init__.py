"""The kernel's IPVS table: what it should hold, how that differs from what it holds, and writing the difference."""
