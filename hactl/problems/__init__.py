"""What is wrong now, who knows of it, and what was said of it."""
