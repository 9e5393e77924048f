"""`python -m tabrl_py`: see cli.py."""

import os
import sys

# These matrices are small: threads of the linear algebra would wait for each other far longer than they work,
# and would make sums depend on their number. It is read when NumPy is first imported.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(variable, "1")

from tabrl_py.cli import main  # noqa: E402 - after the environment is set

if __name__ == "__main__":
    sys.exit(main())
