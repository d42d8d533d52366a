"""The ways by which an alert reaches somebody, one file each."""
