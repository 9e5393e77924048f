"""The one exception of the build."""


class BuildError(Exception):
    """Something a user can mend: one line that says what is wrong, its value, and what to do."""
