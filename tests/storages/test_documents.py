"""JSON and CSV documents: whole or not at all, as a spreadsheet and a program read them."""

# ruff: noqa: ASYNC220, ASYNC240 - a test may block its own loop

from __future__ import annotations

import csv
import errno
import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hotstream_reactive.errors import StorageError, StorageFull
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.storages import documents
from hotstream_reactive.storages.base import StorageContext
from hotstream_reactive.storages.csv import CsvStorage
from hotstream_reactive.storages.documents import DocumentStorage
from hotstream_reactive.storages.json import JsonStorage
from hotstream_reactive.storages.table import harmless

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
KINDS = [JsonStorage, CsvStorage]


def storage(
    directory: Path, kind: type[DocumentStorage] = JsonStorage, task_id: str = "task"
) -> DocumentStorage:
    made = kind()
    made.context = StorageContext(task_id=task_id, output_dir=directory)
    return made


def item(number: int, **fields: Any) -> DataItem:
    given = {"platform": "twitter", "content": f"content {number}", **fields}
    return DataItem(id=f"twitter_{number}", **given)


async def run(directory: Path, kind: type[DocumentStorage], *items: DataItem) -> None:
    one = storage(directory, kind)
    await one.save(items)
    await one.close()


def rows(path: Path) -> list[dict[str, str]]:
    data = path.read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(data, newline="")))


def ids(path: Path) -> list[str]:
    if path.suffix == ".csv":
        return [row["id"] for row in rows(path)]
    return [record["id"] for record in json.loads(path.read_bytes())]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_document_is_there_when_the_run_has_ended(
    tmp_path: Path, kind: type[DocumentStorage]
) -> None:
    target = tmp_path / f"task{kind.suffix}"
    one = storage(tmp_path, kind)
    await one.save([item(1), item(2)])
    assert not target.exists()
    await one.close()
    assert ids(target) == ["twitter_1", "twitter_2"]
    await run(tmp_path, kind, item(2), item(3))
    assert ids(target) == ["twitter_1", "twitter_2", "twitter_3"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [f"task{kind.suffix}", "task.jsonl"]
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_killed_run_stored_is_published_by_the_next(
    tmp_path: Path, kind: type[DocumentStorage]
) -> None:
    killed = storage(tmp_path, kind)
    await killed.save([item(1)])
    await storage(tmp_path, kind).close()
    assert ids(tmp_path / f"task{kind.suffix}") == ["twitter_1"]


async def test_a_run_that_stored_nothing_makes_no_file(tmp_path: Path) -> None:
    await storage(tmp_path / "output").close()
    assert not (tmp_path / "output").exists()


async def test_json_is_one_array_with_every_field(tmp_path: Path) -> None:
    given = item(1, author="任务", metadata={"likes": 0}, raw_data={"a": [None, "\u2028"]})
    await run(tmp_path, JsonStorage, given)
    text = (tmp_path / "task.json").read_text("utf-8")
    (record,) = json.loads(text)
    assert "任务" in text
    assert record["raw_data"] == {"a": [None, "\u2028"]}
    assert record["task_id"] == "task"


async def test_csv_is_what_a_spreadsheet_wants(tmp_path: Path) -> None:
    given = item(
        1, author='Ann "A", 安', content="one\ntwo;\tthree\r\n四", metadata={"tags": ["a", "标"]}
    )
    await run(tmp_path, CsvStorage, given, item(2, title="T"))
    data = (tmp_path / "task.csv").read_bytes()
    assert data.startswith("\ufeffid,platform,author,created_at,url,title,content,".encode())
    first, second = rows(tmp_path / "task.csv")
    assert first["author"] == 'Ann "A", 安'
    assert first["content"] == "one\ntwo; three\n四"
    assert json.loads(first["metadata"]) == {"tags": ["a", "标"]}
    assert list(first) == list(second)
    assert "raw_data" not in first
    (exact,) = await storage(tmp_path, CsvStorage).query({"id": "twitter_1"})
    assert exact.content == given.content


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("=1+1", "'=1+1"),
        ("＝1+1", "'＝1+1"),
        ("=cmd|'/c calc'!A0", "'=cmd|'/c calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＠SUM（A1）", "'＠SUM（A1）"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("\t=1+1", " =1+1"),
        ("\r=1+1", "\n=1+1"),
        ("\x00=1+1", "'=1+1"),
        ("\u202e=1+1", "'=1+1"),
        ("@alice thanks", "@alice thanks"),
        ("-5", "-5"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_a_spreadsheet_runs_nothing(given: str, written: str) -> None:
    assert harmless(given) == written


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
async def test_a_document_that_cannot_be_written_leaves_the_former_one(
    tmp_path: Path, kind: type[DocumentStorage], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(tmp_path, kind, item(1))
    target = tmp_path / f"task{kind.suffix}"
    before = target.read_bytes()
    one = storage(tmp_path, kind)
    await one.save([item(2)])

    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StorageError, match=r"storage\.output_dir") as caught:
            await one.close()
    assert isinstance(caught.value, StorageFull) == (code == errno.ENOSPC)
    assert target.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2
    await one.close()
    assert ids(target) == ["twitter_1", "twitter_2"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_in_its_place_is_replaced_and_not_followed(
    tmp_path: Path, kind: type[DocumentStorage]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    output = tmp_path / "output"
    output.mkdir()
    (output / f"task{kind.suffix}").symlink_to(secret)
    await run(output, kind, item(1))
    assert secret.read_text() == "mine"
    assert ids(output / f"task{kind.suffix}") == ["twitter_1"]


async def test_a_directory_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "task.json").mkdir()
    with pytest.raises(StorageError, match=r"task\.json"):
        await run(tmp_path, JsonStorage, item(1))


async def test_the_older_of_two_writers_does_not_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends while another publishes waits for it, and then finds all lines."""
    slow = storage(tmp_path)
    await slow.save([item(1)])
    fast = storage(tmp_path)
    original = documents.records_of

    def records(file: int) -> Any:
        yield from original(file)
        # At this moment the other writer cannot add a line: it would have to wait for the lock.
        with pytest.raises(StorageError, match="another process"):
            fast._save([item(2)])

    monkeypatch.setattr("hotstream_reactive.storages.files.LOCK_TIMEOUT", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(documents, "records_of", records)
        await slow.close()
    await fast.save([item(2)])
    await fast.close()
    assert ids(tmp_path / "task.json") == ["twitter_1", "twitter_2"]


WRITER = """
import sys, anyio
from pathlib import Path
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.storages.base import StorageContext
from hotstream_reactive.storages.csv import CsvStorage
from hotstream_reactive.storages.json import JsonStorage

async def main(directory, kind, first):
    for start in range(int(first), 10**9, 10):
        storage = {"json": JsonStorage, "csv": CsvStorage}[kind]()
        storage.context = StorageContext(task_id="task", output_dir=Path(directory))
        await storage.save([
            DataItem(id=f"twitter_{n}", platform="twitter", content="x\\n" * 20_000)
            for n in range(start, start + 10)
        ])
        await storage.close()
        print(start + 10, flush=True)

anyio.run(main, *sys.argv[1:])
"""


@pytest.mark.parametrize("kind", KINDS)
async def test_sigkill_at_any_moment(tmp_path: Path, kind: type[DocumentStorage]) -> None:
    """A document that was published is never torn and never shrinks."""
    chance = random.Random(11)
    target = tmp_path / f"task{kind.suffix}"
    published = 0
    for _ in range(6):
        arguments = [sys.executable, "-c", WRITER, str(tmp_path), kind.storage_type, str(published)]
        with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(chance.randrange(1, 4)):
                published = int(child.stdout.readline())
            for _ in range(chance.randrange(0, 20_000)):
                """Into the middle of the next batch or document."""
            child.kill()
            for line in child.stdout:
                published = int(line)
        found = ids(target)
        assert len(set(found)) == len(found) >= published
        await storage(tmp_path, kind).close()
        assert [path for path in tmp_path.iterdir() if path.suffix == kind.suffix] == [target]
