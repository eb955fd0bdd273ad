"""The log, and the texts that may stand in it."""

from __future__ import annotations

import io
import json
import logging
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger

from hotstream_reactive.engine.events import Event
from hotstream_reactive.engine.log import event_log, log_event
from hotstream_reactive.errors import ConfigError
from hotstream_reactive.logs import configure
from hotstream_reactive.settings import FrameworkSettings, MonitoringSettings, Settings
from hotstream_reactive.text import clean, redact

CANARY = "c4n4ry"
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
DEBUG = Settings(framework=FrameworkSettings(log_level="DEBUG"))


@pytest.fixture(autouse=True)
def restore_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    handlers = list(logging.getLogger().handlers)
    yield
    logger.remove()
    logger.configure(patcher=lambda _: None, extra={})
    logging.getLogger().handlers[:] = handlers


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestClean:
    @pytest.mark.parametrize(
        ("text", "cleaned"),
        [
            ("", ""),
            ("plain", "plain"),
            ("任务 🇨🇳 👨‍👩‍👧 é", "任务 🇨🇳 👨‍👩‍👧 é"),
            ("a\tb", "a b"),
            ("a\nb\r\nc\rd\u2028e\u2029f\x85g", "a⏎b⏎c⏎d⏎e⏎f⏎g"),
            ("\x1b]0;title\x07\x1b[2J\x9b31m", "]0;title[2J31m"),
            ("a\x00b\x7fc\x9fd", "abcd"),
            (f"[{BIDI}]", "[]"),
            ("[/x] [link=y] {0} <red>", "[/x] [link=y] {0} <red>"),
            ("a\ud800b", "a\ufffdb"),
        ],
    )
    def test_forms(self, text: str, cleaned: str) -> None:
        assert clean(text) == cleaned

    def test_the_limit_counts_characters(self) -> None:
        assert clean("x" * 200) == "x" * 200
        assert clean("x" * 201) == "x" * 199 + "…"
        assert clean("任" * 11, limit=10) == "任" * 9 + "…"
        assert clean("\x00" * 50 + "abc", limit=3) == "abc"

    @given(st.text(alphabet=st.characters() | st.sampled_from(BIDI + "\r\n\x1b\x9b\x00\ud800")))
    def test_nothing_harmful_is_left(self, text: str) -> None:
        cleaned = clean(text, limit=50)
        assert len(cleaned) <= 50
        assert not [c for c in cleaned if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
        assert not set(cleaned) & set(BIDI)
        assert clean(cleaned, limit=50) == cleaned
        cleaned.encode()


class TestRedact:
    @pytest.mark.parametrize(
        ("text", "redacted"),
        [
            ("no secret at all", "no secret at all"),
            ("see mongodb://u:p%40@h:1,i:2/db, then", "see mongodb://***@h:1,i:2/db, then"),
            ("('mongodb+srv://u:p@c.x.net')", "('mongodb+srv://***@c.x.net')"),
            ("mongodb://localhost:27017.", "mongodb://localhost:27017."),
            ("via http://u:p@proxy:8080/x", "via http://***@proxy:8080/x"),
            ("via socks5://u:p@ss@proxy", "via socks5://***@proxy"),
            ("via http://u:p/ss@proxy", "via http://***@proxy"),
            ("https://u@h and https://u:p@h", "https://***@h and https://***@h"),
            ("https://medium.com/@author/post", "https://medium.com/@author/post"),
            ("http://localhost:8080/@author", "http://localhost:8080/@author"),
            ("mail me@example.org", "mail me@example.org"),
            ("password=x&next=1", "password=***&next=1"),
            ("{'api_key': 'x y', 'n': 1}", "{'api_key': ***, 'n': 1}"),
            ("access_token: x, n", "access_token: ***, n"),
            ("Cookie: a=1; b=2\nnext", "Cookie: ***\nnext"),
            ("{'cookies': {'a': '1'}, 'b': 2}\nnext", "{'cookies': ***\nnext"),
            ("session_cookie=a", "session_cookie=***"),
            ("Proxy-Authorization: Basic eA==", "Proxy-Authorization: ***"),
            ("3 tokens: many", "3 tokens: many"),
        ],
    )
    def test_forms(self, text: str, redacted: str) -> None:
        assert redact(text) == redacted

    @pytest.mark.parametrize(
        "piece", ["://a:", "mongodb://", "://", "a@", "token", "a-", "cookie:"]
    )
    def test_a_hostile_text_costs_no_more_than_its_length(self, piece: str) -> None:
        """A quadratic pattern would need minutes for this."""
        assert redact(piece * (1_000_000 // len(piece)))


class TestLines:
    def test_form_of_a_line(self) -> None:
        stream = io.StringIO()
        configure(DEBUG, stream=stream, worker_id="w1")
        logger.bind(task_id="search_001").info("stored {} items", 100)
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO    worker=w1 task=search_001 "
            r"stored 100 items\n",
            stream.getvalue(),
        )

    def test_without_worker_and_task(self) -> None:
        stream = io.StringIO()
        configure(DEBUG, stream=stream)
        logger.warning("x")
        assert stream.getvalue().partition("Z ")[2] == "WARNING x\n"

    def test_level(self) -> None:
        stream = io.StringIO()
        configure(Settings(framework=FrameworkSettings(log_level="WARNING")), stream=stream)
        logger.info("quiet")
        logger.error("loud")
        assert "quiet" not in stream.getvalue()
        assert "loud" in stream.getvalue()

    def test_configuring_again_replaces(self) -> None:
        first, second = io.StringIO(), io.StringIO()
        configure(DEBUG, stream=first)
        configure(DEBUG, stream=second)
        logger.info("x")
        logging.getLogger("library").error("y")
        assert first.getvalue() == ""
        assert len(second.getvalue().splitlines()) == 2

    @pytest.mark.parametrize("bound", ["task_id", "worker_id", "message"])
    def test_no_control_reaches_the_stream(self, bound: str) -> None:
        stream = io.StringIO()
        evil = f"a\x1b[2J\nb\r\x9b{BIDI}\x00 {{time}} <red>\ud800"
        configure(DEBUG, stream=stream, worker_id=evil if bound == "worker_id" else "")
        logger.bind(task_id=evil if bound == "task_id" else "t").info(evil)
        (line,) = stream.getvalue().splitlines()
        assert clean(line, 10_000) == line
        assert "a[2J⏎b⏎ {time} <red>\ufffd" in line

    def test_a_long_message_is_cut(self) -> None:
        stream = io.StringIO()
        configure(DEBUG, stream=stream)
        logger.info("x" * 1_000_000)
        assert len(stream.getvalue()) < 2100

    @pytest.mark.parametrize(
        ("environ", "coloured"),
        [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    )
    def test_colour_on_a_terminal(
        self, environ: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        stream = Terminal()
        configure(DEBUG, stream=stream)
        logger.info("x <red>")
        assert ("\x1b[" in stream.getvalue()) == coloured
        assert stream.getvalue().endswith("x <red>\n")

    def test_forced_colour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        stream = io.StringIO()
        configure(DEBUG, stream=stream)
        logger.info("x")
        assert "\x1b[" in stream.getvalue()


class TestExceptions:
    def connect(self, password: str) -> None:
        raise KeyError(f"mongodb://user:{password}@h/db")

    def run(self, password: str) -> None:
        try:
            self.connect(password)
        except KeyError as error:
            forged = "2025-01-01T00:00:00.000Z INFO    forged"
            raise ValueError(f"bad\n{forged}\x1b[2J\rhttp://u:{password}@p") from error

    def test_traceback_is_readable_and_harmless(self) -> None:
        stream = io.StringIO()
        configure(DEBUG, stream=stream)
        try:
            self.run(CANARY)
        except ValueError:
            logger.exception("run failed")
        first, *rest = stream.getvalue().splitlines()
        assert first.endswith("ERROR   run failed")
        assert [line for line in rest if "in connect" in line]
        assert [line for line in rest if "direct cause" in line]
        assert all(line.startswith("    ") and clean(line, 10_000) == line for line in rest)
        assert CANARY not in stream.getvalue()

    def test_no_exception_to_log(self) -> None:
        stream = io.StringIO()
        configure(DEBUG, stream=stream)
        logger.exception("none")
        assert len(stream.getvalue().splitlines()) == 1


class TestStandardLibrary:
    def test_warnings_and_errors_of_libraries_come_through(self) -> None:
        stream = io.StringIO()
        configure(DEBUG, stream=stream)
        library = logging.getLogger("library")
        library.warning("%s of {x} at mongodb://u:%s@h \x1b", 5, CANARY)
        try:
            Path("missing").read_text()
        except OSError:
            library.exception("failed")
        lines = stream.getvalue().splitlines()
        assert lines[0].endswith("WARNING library: 5 of {x} at mongodb://***@h ")
        assert lines[1].endswith("ERROR   library: failed")
        assert lines[-1].startswith("    FileNotFoundError: ")

    def test_a_level_of_its_own(self) -> None:
        stream = io.StringIO()
        configure(DEBUG, stream=stream)
        logging.getLogger("library").log(35, "x")
        assert "Level 35 library: x" in stream.getvalue()


class TestFile:
    def settings(self, path: Path, **keys: Any) -> Settings:
        return Settings(monitoring=MonitoringSettings(log_file=str(path), **keys))

    def test_the_file_gets_the_same_line_without_colour(self, tmp_path: Path) -> None:
        path = tmp_path / "logs" / "hotstream.log"
        stream = Terminal()
        configure(self.settings(path), stream=stream)
        logger.info("任务 http://u:p@h")
        logger.remove()
        line = path.read_text(encoding="utf-8")
        assert line == re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
        assert "任务 http://***@h" in line

    def test_rotation_and_retention(self, tmp_path: Path) -> None:
        path = tmp_path / "hotstream.log"
        configure(
            self.settings(path, log_rotation="1 KB", log_retention="1 second"),
            stream=io.StringIO(),
        )
        for _ in range(30):
            logger.info("x" * 100)
        logger.remove()
        assert path.stat().st_size <= 1024
        assert len(list(tmp_path.iterdir())) > 1

    @pytest.mark.parametrize("key", ["log_rotation", "log_retention"])
    def test_what_loguru_does_not_understand_is_refused(self, key: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=rf"\[monitoring\].*{key} = 'now and then'"):
            configure(
                self.settings(tmp_path / "x.log", **{key: "now and then"}), stream=io.StringIO()
            )

    def test_a_file_that_cannot_be_opened_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"\[monitoring\] log_file = .*name a file"):
            configure(self.settings(tmp_path), stream=io.StringIO())


class TestJson:
    def lines(self, say: Callable[[], None]) -> list[dict[str, Any]]:
        stream = io.StringIO()
        configure(
            Settings(framework=FrameworkSettings(log_format="json")), stream=stream, worker_id="w1"
        )
        say()
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    def test_an_event_is_one_object_with_its_values(self) -> None:
        details = {"platform": "twitter", "run_number": 3, "result_count": 7, "cause": ""}
        event = Event(action="completed", task_id="t", details=details)
        [line] = self.lines(lambda: log_event(event))
        moment = datetime.fromisoformat(line.pop("time"))
        assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
        assert line == {
            "level": "SUCCESS",
            "message": "completed platform=twitter run_number=3 result_count=7",
            "worker_id": "w1",
            "task_id": "t",
            "run": 3,
            "action": "completed",
            "details": details,
        }

    def test_secrets_and_controls_stay_out_of_values_too(self) -> None:
        details = {"reason": "mongodb://u:canary@h/\x1b[2J\n", "password": "canary", "n": [1, None]}
        [line] = self.lines(lambda: log_event(Event(action="claim_failed", details=details)))
        assert "canary" not in json.dumps(line)
        assert "\x1b" not in line["details"]["reason"]
        assert line["details"]["n"] == [1, None]

    def test_what_looks_like_a_template_or_a_line_is_text(self) -> None:
        [line] = self.lines(lambda: logger.info("{} {x} <red>\n{}".replace("\n", chr(10))))
        assert line["message"].startswith("{} {x} <red>")

    def test_a_traceback_is_in_the_same_object(self) -> None:
        def say() -> None:
            try:
                int("wrong")
            except ValueError:
                logger.exception("it broke")

        [line] = self.lines(say)
        assert line["message"] == "it broke"
        assert "ValueError: invalid literal" in line["exception"]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_below_the_level_of_the_log_nothing_is_made(level: str) -> None:
    """Passing over an event says the same as letting the log drop it."""
    actions = ["claimed", "completed", "page", "retry", "failed", "claim_failed"]
    said: list[list[str]] = []
    for listener in (log_event, event_log(level)):
        stream = io.StringIO()
        configure(Settings(framework=FrameworkSettings(log_level=level)), stream=stream)
        for action in actions:
            listener(Event(action=action, task_id="t"))
        said.append([line.split(" ", 1)[1] for line in stream.getvalue().splitlines()])
    assert said[0] == said[1]
    made: list[str] = []
    logger.remove()
    logger.add(lambda message: made.append(message.record["level"].name), level="TRACE")
    for action in actions:
        event_log(level)(Event(action=action, task_id="t"))
    assert len(made) == len(said[1])
