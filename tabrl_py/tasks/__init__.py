"""The tasks that TabRL ships, as data."""
