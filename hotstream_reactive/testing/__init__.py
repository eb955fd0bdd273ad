"""What the author of a plugin tests with: contracts, recorded sites, and runs without a queue.

Nothing here imports pytest; subclass a contract and name it ``Test…``, and pytest finds it.
"""

from hotstream_reactive.loopback import Reply, Request
from hotstream_reactive.testing.adapter_contract import PlatformAdapterContract
from hotstream_reactive.testing.extractor_contract import DataExtractorContract
from hotstream_reactive.testing.run import AdapterRun
from hotstream_reactive.testing.site import CHALLENGE_PAGE, REFUSALS, RecordedSite
from hotstream_reactive.testing.storage_contract import StorageAdapterContract

__all__ = [
    "CHALLENGE_PAGE",
    "REFUSALS",
    "AdapterRun",
    "DataExtractorContract",
    "PlatformAdapterContract",
    "RecordedSite",
    "Reply",
    "Request",
    "StorageAdapterContract",
]
