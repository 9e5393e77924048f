"""Share links: Python and the page read and write the same ones, and refuse the same ones."""
