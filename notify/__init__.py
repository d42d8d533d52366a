"""Alerts: which event reaches which person, by which channel, and how often.

Its law: it imports the standard library, third-party libraries and itself, and knows nothing of where
events come from.
"""
