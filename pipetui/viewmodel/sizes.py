"""Sizes in bytes as a person reads them."""

from __future__ import annotations


def size(count: int) -> str:
    """``980 B``, ``12.4 kB`` or ``1.2 GB``, in powers of 1000."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"
