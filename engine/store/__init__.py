"""The event store: the only meeting point of runners and readers."""
