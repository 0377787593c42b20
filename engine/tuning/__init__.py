"""Hyperparameter tuning without its processes: ranges, searches, stopping rules, leaderboard."""
