"""Pipelines, their versions and aliases: what a request means for them (pure)."""
