"""Script mode: runs the user's training script as the SageMaker training toolkit does."""
