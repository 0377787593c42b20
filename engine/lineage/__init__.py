"""Lineage of a home: what jobs leave by themselves, and what Lineage steps name."""
