"""What to do next: the plan of an execution, and the scheduler that follows it (pure)."""
