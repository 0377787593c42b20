"""The AWS face of the local tree, on loopback, in a process of its own that starts when needed."""
