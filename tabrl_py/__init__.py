"""TabRL: reinforcement learning for MuJoCo robots, in a browser tab and natively, in pure NumPy."""

__version__ = "0.1.0"
