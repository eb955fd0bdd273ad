"""Notifications: what came of a task is told to an address or a command of the operator's.

`message` decides what is told, `outbox` keeps it and tries again, `deliver` hands it over. They
listen to the engine's events and write nothing back: a receiver that is down, slow or wrong changes
no run. Where it goes stands in config.toml alone; a task document cannot choose it.
"""

from __future__ import annotations

from hotstream_reactive.engine.events import Events
from hotstream_reactive.notify.deliver import Command, Deliver, Webhook
from hotstream_reactive.notify.message import Teller
from hotstream_reactive.notify.outbox import Outbox
from hotstream_reactive.settings import Settings


def open_outbox(settings: Settings, events: Events, *, worker_id: str) -> Outbox | None:
    """What tells of outcomes; None when nobody is to be told."""
    wanted = settings.notifications
    receivers: list[Deliver] = [
        Webhook(url, secret=wanted.secret, timeout_s=wanted.timeout) for url in wanted.webhooks
    ]
    if wanted.command:
        receivers.append(Command(wanted.command, timeout_s=wanted.timeout))
    if not receivers:
        return None
    outbox = Outbox(
        receivers,
        attempts=wanted.attempts,
        base_delay_s=wanted.retry_base_delay,
        most_waiting=wanted.queue_size,
    )
    events.listen(Teller(set(wanted.on), worker_id, outbox.put))
    return outbox
