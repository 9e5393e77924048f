"""The learning algorithms, the loop that feeds them, and the evaluation of what they learned."""
