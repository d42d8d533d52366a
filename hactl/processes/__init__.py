"""The daemon's own processes: started, linked, given their part of the configuration, and what they say to each other."""
