"""Networks, distributions and optimisation in NumPy, on flat vectors."""
