"""Errors that a person caused and can mend. Everything else is a bug and raises what it likes."""


class TabrlError(Exception):
    """Base of the errors whose message is written for the person at the page or the command line."""


class ConfigError(TabrlError):
    """A setting is out of its range, or settings contradict each other."""


class PolicyFileError(TabrlError):
    """A policy or checkpoint file is corrupt, foreign, of another version, or made for another task."""


class ModelError(TabrlError):
    """A robot model is missing or does not fit its task."""
