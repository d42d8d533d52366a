"""Reading what the doctor judges: thin files that change nothing on the host."""
