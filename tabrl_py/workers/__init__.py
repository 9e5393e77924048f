"""What runs inside the page's Python workers: the trainer, the player, and what ties them to the page."""
