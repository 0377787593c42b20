"""Inference: a server for one container of a model, batch transform, and an endpoint's router."""
