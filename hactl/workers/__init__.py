"""Entry points of the processes that the supervisor has, and what they share."""
