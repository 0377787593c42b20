"""From a container image to a Python environment on this host.

``resolve`` says which environment stands in for an image and how close it comes, ``Environments``
builds and finds it, ``training_command`` says what to run in it.
"""

from __future__ import annotations

from engine.environments.build import BuiltEnvironment, Environment, Environments
from engine.environments.catalog import Kind, Override, Resolution, resolve
from engine.environments.grade import Grade
from engine.environments.image import Family, Image, parse_image
from engine.environments.programs import training_command

__all__ = [
    "BuiltEnvironment",
    "Environment",
    "Environments",
    "Family",
    "Grade",
    "Image",
    "Kind",
    "Override",
    "Resolution",
    "parse_image",
    "resolve",
    "training_command",
]
