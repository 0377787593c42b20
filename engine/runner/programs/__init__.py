"""Programs that the user's own interpreter runs; they import the standard library alone."""
