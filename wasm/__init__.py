"""Build-time parts of the WebAssembly side: pinned runtimes and the robot models."""
