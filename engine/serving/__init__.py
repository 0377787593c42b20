"""Models and endpoints of a home: what Describe calls say of them, and the processes that serve."""
