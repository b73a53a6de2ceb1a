"""The composition root: builds everything, owns the order of start and stop."""
