"""The queues a user would pick instead, each measured in turn with HotStream; no dependencies."""
