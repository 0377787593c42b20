"""Recorded runs of the samples, made by sample_pipelines/record_demo.py."""

from __future__ import annotations

from pathlib import Path

RECORDING = Path(__file__).with_name("recording.tar.xz")
"""What ``pipetui --demo`` plays."""
