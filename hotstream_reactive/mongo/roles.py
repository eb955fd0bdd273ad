"""Roles of least privilege: what a worker, a producer and a viewer need, and nothing else.

They live in the database itself and concern its collections alone; a user is given one of them:

    db.createUser({user: "worker1", pwd: passwordPrompt(), roles: ["hotstreamWorker"]})
"""

from __future__ import annotations

from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translated

_READ = ["find", "listIndexes"]
_WATCH = ["find", "listIndexes", "changeStream"]
_KEEP = ["find", "listIndexes", "insert", "update", "createIndex", "createCollection"]
_OWN = [*_KEEP, "remove", "collMod"]

#: Actions by collection, by role. A worker neither adds tasks nor removes any.
ROLES: dict[str, dict[str, list[str]]] = {
    "hotstreamWorker": {
        # collMod: images of documents before a change, for the history.
        "tasks": [*_WATCH, "update", "createIndex", "createCollection", "collMod"],
        "data_items": _KEEP,
        # collMod: when the retention was configured anew.
        "task_runs": [*_KEEP, "remove", "collMod"],
        "workers": _OWN,
        "controls": _READ,
        "running_limits": _OWN,
        "rate_limits": _OWN,
        "task_history": _OWN,
        "history_state": _OWN,
        # What `hotstream doctor` tries, in a place of its own.
        "doctor_trials": [*_OWN, "changeStream"],
    },
    # Writes tasks, edits them (an edit is a command), and reads what came of them.
    "hotstreamProducer": {
        "tasks": [*_WATCH, "insert", "update", "remove"],
        "data_items": _WATCH,
        "task_runs": _READ,
        "workers": _READ,
        "controls": _READ,
    },
    # Looks: dashboard, list, show, explain, query-data.
    "hotstreamViewer": {
        "tasks": _WATCH,
        "data_items": _WATCH,
        "task_runs": _WATCH,
        "workers": _WATCH,
        "controls": _WATCH,
        "running_limits": _READ,
        "rate_limits": _READ,
        "task_history": _WATCH,
        "history_state": _READ,
    },
}


async def install(mongo: Mongo) -> dict[str, str]:
    """Create the roles, or bring them to this version; maps each to ``created`` or ``updated``.

    Raises:
        DatabaseRefused: this user may not create roles; userAdmin on the database may.
        DatabaseError: some may be missing; calling again is safe.
    """
    done: dict[str, str] = {}
    with translated("creating roles (a user with userAdmin on the database may)"):
        known = await mongo.database.command("rolesInfo")
        present = {role["role"] for role in known["roles"]}
        for name, actions in ROLES.items():
            order, word = (
                ("updateRole", "updated") if name in present else ("createRole", "created")
            )
            await mongo.database.command(
                order, name, privileges=_privileges(mongo.database.name, actions), roles=[]
            )
            done[name] = word
    return done


def _privileges(database: str, actions: dict[str, list[str]]) -> list[Document]:
    whole = {"resource": {"db": database, "collection": ""}, "actions": ["listCollections"]}
    return [whole] + [
        {"resource": {"db": database, "collection": name}, "actions": of_collection}
        for name, of_collection in actions.items()
    ]
