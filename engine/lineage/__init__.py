"""Lineage of a home: actions, artifacts and contexts that pipelines name, and what joins them."""
