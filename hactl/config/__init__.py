"""The configuration: from the file on disk to frozen specs."""
