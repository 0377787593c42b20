"""The PipeTUI engine: runs Amazon SageMaker pipeline definitions and records what happens."""
