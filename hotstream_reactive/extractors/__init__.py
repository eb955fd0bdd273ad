"""Raw record to data item, one module per platform."""

from hotstream_reactive.extractors.base import DataExtractor

__all__ = ["DataExtractor"]
