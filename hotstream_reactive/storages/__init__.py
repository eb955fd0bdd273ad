"""Where items go: one module per kind of storage."""

from hotstream_reactive.storages.base import StorageAdapter, StorageContext

__all__ = ["StorageAdapter", "StorageContext"]
