"""What happened: statuses, events, commands and the views folded from them (pure)."""
