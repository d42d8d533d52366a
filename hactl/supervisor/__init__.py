"""The supervisor of one director: its start, what it hears, reloads, and what operators ask of it."""
