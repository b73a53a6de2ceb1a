"""What every layer may use: errors, ids, the clock, task scopes and logging."""
