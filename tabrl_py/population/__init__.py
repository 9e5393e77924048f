"""What members of a population take over from each other."""
