"""Repacking: puts inference code into the archive of a model."""
