"""The collections behind the history: `task_history`, and `history_state` for who records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from pymongo import ASCENDING as UP
from pymongo import IndexModel, ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError, OperationFailure

from hotstream_reactive.engine_types import Seat
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.history_feed import SHAPE, TaskHistoryFeed

_STATE = "recorder"
