"""A web page that enqueues a search and shows it live.

uvicorn --app-dir examples/web app:app

It knows MongoDB and nothing of HotStream: a task goes in, and a change stream tells what becomes of
it, which goes on to the browser as server-sent events. The role hotstreamProducer is enough.
"""

import json
import os
import uuid
from contextlib import asynccontextmanager
from pathlib import Path

from pymongo import AsyncMongoClient
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

WORDS = {0: "waiting", 1: "running", 2: "completed", 3: "failed", 4: "cancelled"}
ENDED = {2, 3, 4}
LONGEST_KEYWORD = 200


@asynccontextmanager
async def lifespan(app):
    """Hold one client as long as the application runs."""
    uri = os.environ.get("MONGODB_URI", "mongodb://127.0.0.1:27017/?replicaSet=rs0")
    async with AsyncMongoClient(uri) as client:
        app.state.database = client[os.environ.get("MONGODB_DATABASE", "hotstream")]
        yield


async def create(request):
    """Write a task; its id is a secret of who wrote it."""
    # Only as JSON: a form on a page elsewhere cannot send that without being asked first.
    if request.headers.get("content-type") != "application/json":
        return PlainTextResponse("send JSON", 415)
    try:
        keyword = (await request.json())["keyword"].strip()
    except (ValueError, KeyError, TypeError, AttributeError):
        keyword = ""
    if not 1 <= len(keyword) <= LONGEST_KEYWORD:
        return PlainTextResponse(f"a keyword has 1 to {LONGEST_KEYWORD} characters", 400)
    task_id = f"web-{uuid.uuid4()}"
    await request.app.state.database.tasks.insert_one(
        {
            "_id": task_id,
            "task_id": task_id,
            "platform": os.environ.get("PLATFORM", "twitter"),
            "keywords": [keyword],
            "status": 0,
            "options": {"limit": 20},
        }
    )
    return JSONResponse({"task_id": task_id}, 201)


async def events(request):
    """Tell the state of a task and its items, now and with every change, until it ends."""
    task_id = request.path_params["task_id"]
    database = request.app.state.database
    if await database.tasks.find_one({"_id": task_id}) is None:
        return PlainTextResponse("no such task", 404)
    return StreamingResponse(
        told(database, task_id),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


async def told(database, task_id):
    """The events of one task, from its present state on."""
    mine = [{"$match": {"documentKey._id": task_id}}]
    async with await database.tasks.watch(mine, full_document="updateLookup") as changes:
        task = await database.tasks.find_one({"_id": task_id})
        shown = set()
        while task is not None:
            async for item in database.data_items.find({"task_ids": task_id}).sort("saved_at"):
                if item["_id"] not in shown:
                    shown.add(item["_id"])
                    yield event("item", {name: item.get(name) for name in ("content", "url")})
            status = task.get("status")
            yield event(
                "task",
                {
                    "state": WORDS.get(status, "waiting"),
                    "progress": task.get("progress") or 0,
                    "items": task.get("result_count") or 0,
                    "error": task.get("error_message"),
                },
            )
            if status in ENDED:
                break
            task = (await changes.next()).get("fullDocument")
    yield event("end", {})


def event(name, data):
    """One server-sent event; JSON has no raw line ends."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


app = Starlette(
    routes=[
        Route("/tasks", create, methods=["POST"]),
        Route("/tasks/{task_id}/events", events),
        Mount("/", StaticFiles(directory=Path(__file__).parent / "static", html=True)),
    ],
    # Pages elsewhere must not reach it under a name of theirs.
    middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    lifespan=lifespan,
)
