"""`hactl plan`: what a reload would change on the running daemon, said beforehand.

Core: two configurations and what is known of the running daemon in, one value out. Nothing here performs anything.
"""
