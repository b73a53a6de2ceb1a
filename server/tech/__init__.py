"""Channel technologies: what the resources ask of them, and those that need no network."""
