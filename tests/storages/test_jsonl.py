"""JSON Lines files: identity, kills, full disks, hostile names."""

# ruff: noqa: ASYNC240 - a test may block its own loop

from __future__ import annotations

import errno
import fcntl
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.errors import StorageError, StorageFull
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.storages import files as files_module
from hotstream_reactive.storages.base import StorageContext
from hotstream_reactive.storages.files import file_name
from hotstream_reactive.storages.jsonl import JsonLinesStorage

ROOT = Path(__file__).parents[2]
KILLS = 30

HOSTILE_IDS = [
    "",
    ".",
    "..",
    "../../x",
    "../" * 50 + "etc/passwd",
    "/etc/passwd",
    "//server/share",
    "C:\\Windows\\x",
    "..\\..\\x",
    "a/b",
    "a\x00b",
    "a\nb",
    "\x1b[2J",
    "~",
    "~root",
    "-rf",
    "--help",
    ".hidden",
    "$(reboot)",
    "`reboot`",
    "a b",
    "*",
    "%2e%2e%2f",
    "x" * 300,
    "任" * 300,
    "任务",
    "e\u0301",
    "\u00e9",
    "\ud800",
    "\ud801",
    "\u202egnp",
    "CON",
    "con",
    "con.txt",
    "Aux.json",
    "nul",
    "com1",
    "LPT9.x",
    "Search_001",
    "search_001",
    "SEARCH_001",
    "search_001.jsonl",
    "trailing.",
    "trailing ",
]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "output"


def storage(directory: Path, task_id: str = "task") -> JsonLinesStorage:
    made = JsonLinesStorage()
    made.context = StorageContext(task_id=task_id, output_dir=directory)
    return made


def item(number: int | str, **fields: Any) -> DataItem:
    fields = {"content": f"content {number}", "platform": "twitter"} | fields
    return DataItem(id=f"twitter_{number}", **fields)


def items(numbers: range) -> list[DataItem]:
    return [item(number) for number in numbers]


def records(path: Path) -> list[dict[str, Any]]:
    """What a strict reader sees: every line must be JSON and whole."""
    data = path.read_bytes()
    assert data == b"" or data.endswith(b"\n")
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def ids(path: Path) -> list[str]:
    return [record["id"] for record in records(path)]


class TestNames:
    @pytest.mark.parametrize(
        "task_id", ["search_001", "a", "a.b-c_9", "9" * 100, "console", "com10"]
    )
    def test_a_plain_id_is_the_name(self, task_id: str) -> None:
        assert file_name(task_id, ".jsonl") == f"{task_id}.jsonl"

    def test_what_is_harmless_is_kept(self) -> None:
        assert file_name("Search 001/任务", ".jsonl").startswith("Search_001___~")

    def test_hostile_ids_get_names_of_their_own(self) -> None:
        names = [file_name(task_id, ".jsonl") for task_id in HOSTILE_IDS]
        assert len({name.casefold() for name in names}) == len(HOSTILE_IDS)
        for name in names:
            self.check(name)

    @given(st.text(alphabet=st.characters() | st.sampled_from("a.-_/\\~\ud800\x00")))
    def test_every_name_is_safe(self, task_id: str) -> None:
        self.check(file_name(task_id, ".jsonl"))

    @given(st.text(), st.text())
    def test_different_ids_never_share_a_file(self, one: str, other: str) -> None:
        name = file_name(one, ".jsonl")
        for second in (other, one.upper(), one.lower(), name.removesuffix(".jsonl")):
            if one != second:
                assert name.casefold() != file_name(second, ".jsonl").casefold()

    @staticmethod
    def check(name: str) -> None:
        assert len(os.fsencode(name)) <= 150
        assert set(name) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-~"
        )
        assert name[0] not in ".-~"
        assert name.endswith(".jsonl")
        stem = name.partition(".")[0].lower()
        assert stem not in {"con", "prn", "aux", "nul"}
        assert not (stem[:3] in {"com", "lpt"} and len(stem) == 4 and stem[3].isdigit())


@pytest.mark.anyio
class TestSave:
    async def test_a_line_is_the_item_its_task_and_the_time(self, directory: Path) -> None:
        moment = datetime(2025, 5, 30, 12, 38, tzinfo=UTC)
        given_item = item(
            1, author="openai", title="t", url="https://x", created_at=moment, metadata={"likes": 0}
        )
        before = datetime.now(UTC).replace(microsecond=0)
        assert await storage(directory).save([given_item])
        (record,) = records(directory / "task.jsonl")
        assert before <= datetime.fromisoformat(record.pop("saved_at")) <= datetime.now(UTC)
        assert record == {
            "id": "twitter_1",
            "platform": "twitter",
            "content": "content 1",
            "title": "t",
            "author": "openai",
            "url": "https://x",
            "created_at": "2025-05-30T12:38:00Z",
            "metadata": {"likes": 0},
            "raw_data": {},
            "task_id": "task",
        }

    async def test_an_item_is_stored_once(self, directory: Path) -> None:
        first = storage(directory)
        await first.save([item(1), item(2), item(1, content="again")])
        await first.save([item(2), item(3)])
        await storage(directory).save([item(3), item(4), item(1, platform="medium")])
        path = directory / "task.jsonl"
        assert ids(path) == [f"twitter_{number}" for number in (1, 2, 3, 4, 1)]
        assert records(path)[0]["content"] == "content 1"

    async def test_nothing_to_save_makes_no_file(self, directory: Path) -> None:
        assert await storage(directory).save([])
        assert not directory.exists()

    async def test_other_writers_are_noticed(self, directory: Path) -> None:
        one, other = storage(directory), storage(directory)
        for number in range(0, 30, 3):
            await one.save(items(range(number, number + 5)))
            await other.save(items(range(number + 2, number + 7)))
        assert Counter(ids(directory / "task.jsonl")).most_common(1)[0][1] == 1

    async def test_a_file_that_is_removed_or_replaced_begins_anew(self, directory: Path) -> None:
        path = directory / "task.jsonl"
        one = storage(directory)
        await one.save(items(range(3)))
        path.unlink()
        await one.save(items(range(3)))
        assert len(ids(path)) == 3
        path.write_bytes(b"")
        await one.save(items(range(2)))
        assert len(ids(path)) == 2

    async def test_close_and_go_on(self, directory: Path) -> None:
        one = storage(directory)
        await one.save(items(range(3)))
        await one.close()
        await one.save(items(range(4)))
        assert len(ids(directory / "task.jsonl")) == 4

    async def test_texts_and_numbers_from_outside(self, directory: Path) -> None:
        nasty = item(
            "\ud800\x00",
            content='line\nend\u2028"quote"\x00\x1b[2J\ud83d',
            author="任务",
            metadata={"huge": 2**70, "nan": float("nan"), "$where": {"a.b": [{1, 2}]}},
            raw_data={"bytes": b"\xff", "deep": {"when": datetime(2025, 1, 1, tzinfo=UTC)}},
        )
        one = storage(directory, "task\ud800")
        await one.save([nasty, nasty])
        await one.save([nasty])
        (path,) = directory.iterdir()
        (record,) = records(path)
        assert record["metadata"]["huge"] == str(2**70)
        assert record["metadata"]["nan"] is None
        assert record["author"] == "任务"
        assert record["content"].startswith('line\nend\u2028"quote"')
        (found,) = await one.query({})
        assert found.content == record["content"]

    async def test_an_item_without_id_is_refused_and_nothing_written(self, directory: Path) -> None:
        with pytest.raises(ValueError, match="needs an id"):
            await storage(directory).save([item(1), DataItem(id="", platform="x", content="")])
        assert ids(directory / "task.jsonl") == []


@pytest.mark.anyio
class TestTornFiles:
    @pytest.mark.parametrize(
        "torn",
        [b"{", b'{"id":"twitter_9","platform":"twitter"}', b"\0" * 5000, b"\xff", b"x" * 3_000_000],
        ids=["brace", "whole", "nul", "bytes", "long"],
    )
    async def test_what_follows_the_last_newline_is_cut(self, directory: Path, torn: bytes) -> None:
        path = directory / "task.jsonl"
        await storage(directory).save(items(range(2)))
        with path.open("ab") as file:
            file.write(torn)
        reader = storage(directory)
        assert [found.id for found in await reader.query({})] == ["twitter_1", "twitter_0"]
        await reader.save([item(9)])
        assert ids(path) == ["twitter_0", "twitter_1", "twitter_9"]

    async def test_a_file_that_is_one_torn_line(self, directory: Path) -> None:
        directory.mkdir()
        (directory / "task.jsonl").write_bytes(b'{"id":')
        assert await storage(directory).query({}) == []
        await storage(directory).save([item(1)])
        assert ids(directory / "task.jsonl") == ["twitter_1"]

    async def test_foreign_lines_are_left_and_passed_over(self, directory: Path) -> None:
        foreign = b'# note\n[]\n\n{"id": 5}\n{"id":"a","platform":"b"}\n\xff\n{"id":"twitter_7"'
        directory.mkdir()
        path = directory / "task.jsonl"
        path.write_bytes(foreign + b',"platform":"twitter","content":"by hand"}\n')
        one = storage(directory)
        await one.save([item(7), item(8)])
        assert path.read_bytes().startswith(foreign)
        assert [found.content for found in await one.query({})] == ["content 8", "by hand"]

    async def test_lines_across_the_edges_of_chunks(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await storage(directory).save(items(range(50)))
        monkeypatch.setattr(files_module, "_CHUNK", 7)
        one = storage(directory)
        await one.save(items(range(51)))
        assert len(ids(directory / "task.jsonl")) == 51
        assert len(await one.query({})) == 51


WRITER = """
import sys, anyio
from pathlib import Path
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.storages.base import StorageContext
from hotstream_reactive.storages.jsonl import JsonLinesStorage

async def main(directory, first, last, size):
    storage = JsonLinesStorage()
    storage.context = StorageContext(task_id="task", output_dir=Path(directory))
    for start in range(int(first), int(last), 10):
        batch = [
            DataItem(id=f"twitter_{n}", platform="twitter", content="x" * int(size))
            for n in range(start, start + 10)
        ]
        await storage.save(batch)
        print(start + 10, flush=True)

anyio.run(main, *sys.argv[1:])
"""


def writer(directory: Path, first: int, last: int, size: int) -> subprocess.Popen[str]:
    arguments = [str(directory), str(first), str(last), str(size)]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.anyio
class TestProcesses:
    @pytest.mark.fault("G2", "killed while it writes a file")
    async def test_sigkill_at_any_moment(self, directory: Path) -> None:
        """What was acknowledged stays, nothing is there twice, a reader never sees half a line."""
        chance = random.Random(7)
        path = directory / "task.jsonl"
        acknowledged = 0
        for _ in range(KILLS):
            # Begins before the last acknowledged item, as a run that is repeated does.
            first = max(0, acknowledged - 20)
            with writer(directory, first, 10**9, size=chance.choice((10, 5_000, 150_000))) as child:
                assert child.stdout is not None
                for _ in range(chance.randrange(3, 9)):
                    acknowledged = max(acknowledged, int(child.stdout.readline()))
                size = path.stat().st_size
                while chance.random() < 0.999 and path.stat().st_size == size:
                    """Until the next batch is being written, or a little earlier."""
                child.kill()
                for line in child.stdout:
                    acknowledged = max(acknowledged, int(line))
            data = path.read_bytes()
            whole, _, _torn = data.rpartition(b"\n")
            numbers = [json.loads(line)["id"] for line in whole.split(b"\n")]
            assert len(set(numbers)) == len(numbers)
            assert {f"twitter_{number}" for number in range(acknowledged)} <= set(numbers)
            found = await storage(directory).query({"limit": 10**6})
            assert len(found) == len(numbers)
        await storage(directory).save([item("last")])
        assert ids(path)[-1] == "twitter_last"
        assert acknowledged > KILLS

    async def test_two_processes_write_one_file(self, directory: Path) -> None:
        with writer(directory, 0, 400, 100) as one, writer(directory, 200, 600, 100) as other:
            one.communicate()
            other.communicate()
        assert (one.returncode, other.returncode) == (0, 0)
        assert sorted(ids(directory / "task.jsonl")) == sorted(f"twitter_{n}" for n in range(600))

    async def test_waits_for_the_lock(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory.mkdir()
        pauses: list[float] = []
        with (directory / "task.jsonl").open("ab") as holder:
            fcntl.flock(holder, fcntl.LOCK_EX)

            def pause(seconds: float) -> None:
                pauses.append(seconds)
                fcntl.flock(holder, fcntl.LOCK_UN)

            monkeypatch.setattr(time, "sleep", pause)
            await storage(directory).save([item(1)])
        assert len(pauses) == 1
        assert ids(directory / "task.jsonl") == ["twitter_1"]

    async def test_does_not_wait_for_ever(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files_module, "LOCK_TIMEOUT", 0.0)
        directory.mkdir()
        with (directory / "task.jsonl").open("ab") as holder:
            fcntl.flock(holder, fcntl.LOCK_EX)
            with pytest.raises(StorageError, match=r"another process has held .*task\.jsonl"):
                await storage(directory).save([item(1)])
        assert await storage(directory).save([item(1)])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    target = tmp_path / "small"
    target.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "hotstream-test", str(target)]
    try:
        subprocess.run(mount, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        pytest.skip(f"mounting a tmpfs is not permitted here: {said.strip()}")
    yield target
    subprocess.run(["umount", str(target)], check=True)


@pytest.mark.anyio
class TestFullDisk:
    @pytest.mark.fault("G1", "disk full (tmpfs)")
    async def test_a_disk_that_fills_up(self, small_disk: Path) -> None:
        one = storage(small_disk)
        path = small_disk / "task.jsonl"
        await one.save([item(1, content="x" * 600_000)])
        before = path.read_bytes()
        with pytest.raises(StorageFull, match=r"task\.jsonl.*storage\.output_dir"):
            await one.save([item(2), item(3, content="x" * 600_000)])
        assert path.read_bytes() == before
        await one.save([item(2)])
        assert ids(path) == ["twitter_1", "twitter_2"]

    async def test_a_disk_that_is_full_from_the_start(self, small_disk: Path) -> None:
        filler = small_disk / "filler"
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(b"x" * (2 << 20))
        one = storage(small_disk)
        with pytest.raises(StorageFull):
            await one.save([item(1)])
        filler.unlink()
        await one.save([item(1)])
        assert ids(small_disk / "task.jsonl") == ["twitter_1"]

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            (errno.ENOSPC, StorageFull),
            (errno.EDQUOT, StorageFull),
            (errno.EIO, StorageError),
            (errno.EFBIG, StorageError),
        ],
    )
    @pytest.mark.parametrize("call", ["write", "fsync"])
    async def test_the_file_gets_its_length_back(
        self,
        code: int,
        expected: type[StorageError],
        call: str,
        directory: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        one = storage(directory)
        path = directory / "task.jsonl"
        await one.save([item(1)])
        before = path.read_bytes()
        original: Callable[[int, Any], int] = os.write
        calls: list[int] = []

        def fail(*_: object) -> None:
            raise OSError(code, os.strerror(code))

        def write_half(file: int, data: memoryview) -> int:
            calls.append(file)
            if len(calls) > 1:
                fail()
            return original(file, data[: len(data) // 2])

        with monkeypatch.context() as patch:
            patch.setattr(os, call, write_half if call == "write" else fail)
            with pytest.raises(StorageError, match=r"task\.jsonl.*storage\.output_dir") as caught:
                await one.save([item(2), item(3)])
        assert type(caught.value) is expected
        assert path.read_bytes() == before
        await one.save([item(1), item(2), item(3)])
        assert len(ids(path)) == 3


@pytest.mark.anyio
class TestHostileNames:
    @pytest.mark.fault("H2", "names that lead out of the directory")
    @pytest.mark.parametrize("task_id", HOSTILE_IDS, ids=ascii)
    async def test_every_file_is_inside_the_directory(self, task_id: str, tmp_path: Path) -> None:
        directory = tmp_path / "a" / "b" / "output"
        one = storage(directory, task_id)
        await one.save([item(1)])
        files = [path for path in tmp_path.rglob("*") if not path.is_dir()]
        assert [path.resolve().parent for path in files] == [directory.resolve()]
        assert [found.id for found in await one.query({"task_id": task_id})] in (["twitter_1"], [])
        assert [found.id for found in await one.query({})] == ["twitter_1"]

    async def test_storage_config_leads_nowhere_else(self, tmp_path: Path) -> None:
        one = JsonLinesStorage()
        one.context = StorageContext(
            task_id="task",
            output_dir=tmp_path / "output",
            config={"type": "json", "output_dir": str(tmp_path / "elsewhere"), "path": "../x"},
        )
        await one.save([item(1)])
        assert [path.name for path in tmp_path.iterdir()] == ["output"]

    @pytest.mark.parametrize("target_exists", [True, False])
    async def test_a_symbolic_link_is_not_followed(
        self, target_exists: bool, directory: Path, tmp_path: Path
    ) -> None:
        directory.mkdir()
        target = tmp_path / "secret"
        if target_exists:
            target.write_text('{"id":"twitter_1","platform":"twitter","content":"x"}\n')
        (directory / "task.jsonl").symlink_to(target)
        one = storage(directory)
        with pytest.raises(StorageError, match="symbolic link"):
            await one.save([item(2)])
        assert target.exists() == target_exists
        assert await one.query({}) == []
        assert await one.query({"task_id": "task"}) == []

    async def test_neither_pipes_nor_directories(self, directory: Path) -> None:
        directory.mkdir()
        os.mkfifo(directory / "pipe.jsonl")
        (directory / "folder.jsonl").mkdir()
        for name in ("pipe", "folder"):
            with pytest.raises(StorageError, match=name):
                await storage(directory, name).save([item(1)])
        assert await storage(directory).query({}) == []

    async def test_an_output_dir_that_is_a_file(self, directory: Path) -> None:
        directory.write_text("")
        with pytest.raises(StorageError, match=r"storage\.output_dir"):
            await storage(directory).save([item(1)])


@pytest.mark.anyio
class TestQuery:
    @pytest.fixture
    async def one(self, directory: Path) -> JsonLinesStorage:
        for task_id, author, numbers in (
            ("first", "ann", range(3)),
            ("Second", "bob", range(2, 5)),
        ):
            writer = storage(directory, task_id)
            for number in numbers:
                await writer.save([item(number, author=author)])
        await storage(directory, "third").save([item(1, platform="medium")])
        (directory / "notes.txt").write_text("no item\n")
        return storage(directory, "")

    @pytest.mark.parametrize(
        ("filters", "count"),
        [
            ({}, 6),
            ({"platform": "twitter"}, 5),
            ({"platform": "nowhere"}, 0),
            ({"author": "ann"}, 3),
            ({"author": "bob"}, 3),
            ({"author": None}, 1),
            ({"task_id": "Second"}, 3),
            ({"task_id": "second"}, 0),
            ({"task_id": "../output/first"}, 0),
            ({"id": "twitter_2"}, 1),
            ({"id": "twitter_2", "task_id": "first", "platform": "twitter", "author": "ann"}, 1),
            ({"limit": 2}, 2),
            ({"limit": 2, "author": "ann"}, 2),
            ({"platform": {"$ne": None}}, 0),
            ({"task_id": {"$ne": None}}, 0),
        ],
    )
    async def test_filters(
        self, one: JsonLinesStorage, filters: dict[str, Any], count: int
    ) -> None:
        found = await one.query(filters)
        assert len(found) == count
        assert len({(found_item.platform, found_item.id) for found_item in found}) == count

    async def test_the_last_stored_comes_first(self, one: JsonLinesStorage) -> None:
        found = await one.query({"task_id": "first", "limit": 2})
        assert found == [item(2, author="ann"), item(1, author="ann")]

    async def test_a_hundred_unless_told_otherwise(self, directory: Path) -> None:
        one = storage(directory)
        await one.save(items(range(150)))
        assert len(await one.query({})) == 100
        assert len(await one.query({"limit": 1000})) == 150

    @pytest.mark.parametrize(
        "filters",
        [{"content": "x"}, {"$where": "1"}, {"limit": 0}, {"limit": "5"}, {"limit": True}],
    )
    async def test_what_is_not_understood_is_refused(
        self, one: JsonLinesStorage, filters: dict[str, Any]
    ) -> None:
        with pytest.raises(ValueError, match=r"no such filter|limit must be"):
            await one.query(filters)

    async def test_without_a_directory_there_is_nothing(self, directory: Path) -> None:
        assert await storage(directory).query({}) == []
