"""Notebook jobs: runs a notebook with parameters, keeps it as it was executed."""
