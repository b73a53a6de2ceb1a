"""``arion doctor``: looks a server over, and says what is wrong with it and what to do."""
