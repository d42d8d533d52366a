"""One probe now, for a person who asks: what CHECK and SERVER mean, and having it done."""
