"""Programs that run in the user's interpreter, started by path; they never import the engine."""
