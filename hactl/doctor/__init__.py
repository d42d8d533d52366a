"""`hactl doctor`: what is wrong with this host or cluster, and the command that mends it."""
