"""A live picture of a pipeline's steps: pure layout, and one widget that shows it."""
