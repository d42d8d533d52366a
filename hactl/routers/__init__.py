"""What the supervisor does for routers beside their worker: tracking, programs, connection synchronisation."""
