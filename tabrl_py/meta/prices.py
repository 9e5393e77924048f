"""What the language models cost, per million tokens (platform.claude.com, Pricing, read in October 2026)."""

from tabrl_py.meta.budget import Price

PRICES: tuple[tuple[str, Price], ...] = (
    ("claude-opus-5-5", Price(4.0, 20.0, read=0.05)),
    ("claude-opus-5", Price(5.0, 25.0)),
    ("claude-opus-4-5", Price(5.0, 25.0)),
    ("claude-opus-4-6", Price(5.0, 25.0)),
    ("claude-opus-4-7", Price(5.0, 25.0)),
    ("claude-opus-4-8", Price(5.0, 25.0)),
    ("claude-opus", Price(15.0, 75.0)),
    ("claude-fable", Price(10.0, 50.0)),
    ("claude-mythos", Price(10.0, 50.0)),
    ("claude-sonnet-5-5", Price(2.0, 10.0, read=0.05)),
    ("claude-sonnet-5", Price(2.0, 10.0)),
    ("claude-sonnet", Price(3.0, 15.0)),
    ("claude-haiku-5-5", Price(0.5, 2.5)),
    ("claude-haiku", Price(1.0, 5.0)),
)
"""By the beginning of a model's id, the first that fits. Where a price depends on the length of the prompt,
the higher one: a cap holds as long as no price is too low."""
DEAREST = Price(15.0, 75.0)
"""For models that are not in the table."""


def price_of(model: str) -> Price:
    """What a model costs; for one that is not known, as much as the dearest known one."""
    return next((price for beginning, price in PRICES if model.startswith(beginning)), DEAREST)
