"""The history: events and the alert spool in SQLite, and what reports make of them."""
