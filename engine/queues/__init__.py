"""Queues of the home, which stand for Amazon SQS."""
