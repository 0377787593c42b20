"""The endpoint that a check runs a model on, and takes down when it has what it wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.serving.endpoints import delete_endpoint
from engine.steps.base import StepContext
from engine.steps.endpoint import Wanted, former_endpoint, roll_out
from engine.steps.model_container import home_of


@asynccontextmanager
async def shadow_endpoint(context: StepContext, model_name: str) -> AsyncIterator[str]:
    """Serve a model beside a check's job; gives the URL of its ``/invocations``.

    A runner that takes over finds the endpoint of the one before it, whose URL the job has.

    Errors: those of ``roll_out``.
    """
    home = home_of(context.services)
    name = f"shadow-{context.job_name}"[:63].rstrip("-")
    endpoint = former_endpoint(home, name) if context.resuming else None
    if endpoint is None:
        variant = {"VariantName": "AllTraffic", "ModelName": model_name, "InitialVariantWeight": 1}
        endpoint = await roll_out(context, Wanted(name, name, [variant], {}))
    try:
        yield endpoint.url
    finally:
        await delete_endpoint(home, name)
