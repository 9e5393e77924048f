"""Set-up and build: everything behind `./build.sh`.

`python -m wasm.build` (`__main__.py`) runs under any Python >= 3.11, needs only the standard library and
makes the virtual environment; the rest (`commands.py` and what it imports) then runs inside that environment.
"""
