"""The trials of `hotstream doctor`: what works here, what does not, and how to mend it."""

from __future__ import annotations

from hotstream_reactive.doctor.examine import examine
from hotstream_reactive.doctor.finding import Finding

__all__ = ["Finding", "examine"]
