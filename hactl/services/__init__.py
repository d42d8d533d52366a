"""The virtual services of this director: what is known of their real servers, and the table that follows from it."""
