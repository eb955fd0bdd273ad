"""Settings: the file, the environment and flags, and what is said when they are wrong."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import hypothesis
import msgspec
import pytest
import tomli
from hypothesis import example, given
from hypothesis import strategies as st

from hotstream_reactive.errors import ConfigError
from hotstream_reactive.settings import (
    PlatformSettings,
    Settings,
    redacted,
    to_builtins,
)
from hotstream_reactive.settings_file import FIELDS, LoadedSettings, load
from hotstream_reactive.text import clean, redact_uri

#: For texts that are empty by default and must have a form.
EXAMPLES = {
    "mongodb.uri": "mongodb://x",
    "monitoring.metrics_address": "127.0.0.1:9464",
    "monitoring.traces_endpoint": "http://127.0.0.1:4318",
}
DELIVERED = Path(__file__).parents[1] / "config.toml"
CANARY = "c4n4ry"


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No config.toml and no variable of the person who runs the tests."""
    monkeypatch.chdir(tmp_path)


def read(
    text: str = "", environ: dict[str, str] | None = None, overrides: dict[str, Any] | None = None
) -> LoadedSettings:
    file = Path("given.toml")
    file.write_text(text, encoding="utf-8")
    return load(file, environ=environ or {}, overrides=overrides or {})


def refused(
    text: str = "", environ: dict[str, str] | None = None, overrides: dict[str, Any] | None = None
) -> list[str]:
    """The problems, one a line."""
    with pytest.raises(ConfigError) as caught:
        read(text, environ, overrides)
    title, *problems = str(caught.value).splitlines()
    expected = f"{len(problems)} problems in settings:"
    assert title == ("a setting cannot be used:" if len(problems) == 1 else expected)
    return [problem.strip() for problem in problems]


class TestDelivered:
    def test_config_toml_loads_to_the_defaults(self) -> None:
        loaded = load(DELIVERED, environ={})
        assert loaded.settings == Settings()
        assert set(loaded.sources.values()) == {str(DELIVERED)}

    def test_every_key_is_in_config_toml_with_its_default(self) -> None:
        tables = to_builtins(Settings())
        del tables["platforms"]
        assert tomli.loads(DELIVERED.read_text(encoding="utf-8")) == tables

    def test_every_platform_key_is_in_the_example(self) -> None:
        example = tomli.loads(self.platform_example())["platforms"]["twitter"]
        assert example.pop("instances"), "the example shows instances"
        defaults = msgspec.to_builtins(PlatformSettings())
        del defaults["instances"]
        assert example == defaults

    def test_every_key_has_a_comment_above_it(self) -> None:
        plain, _, _ = DELIVERED.read_text(encoding="utf-8").partition("# [platforms.twitter]")
        for lines in (plain.splitlines(), self.platform_example().splitlines()):
            for above, line in zip(["", *lines], lines, strict=False):
                assert " = " not in line or line[0] == "#" or above.startswith("# "), line

    def test_every_bound_is_described(self) -> None:
        """What a value may be is told in words wherever the type alone does not say it."""
        for key, field in FIELDS.items():
            for note in getattr(field.type, "__metadata__", ()):
                assert note.description, key

    @staticmethod
    def platform_example() -> str:
        text = DELIVERED.read_text(encoding="utf-8")
        block = text[text.index("# [platforms.twitter]") :]
        return re.sub(r"^# ?", "", block, flags=re.MULTILINE)


class TestFile:
    def test_without_any_source_all_is_default(self) -> None:
        loaded = load(environ={})
        assert loaded.settings == Settings()
        assert loaded.path is None
        assert set(loaded.sources.values()) == {"default"}
        assert len(loaded.sources) == len([key for key in FIELDS if "*" not in key])

    def test_config_toml_of_the_working_directory_is_found(self) -> None:
        Path("config.toml").write_text("[mongodb]\ndatabase = 'here'\n")
        loaded = load(environ={})
        assert loaded.path == Path("config.toml")
        assert loaded.settings.mongodb.database == "here"
        assert loaded.sources["mongodb.database"] == "config.toml"
        assert loaded.sources["mongodb.uri"] == "default"

    def test_hotstream_config_wins_over_the_working_directory(self) -> None:
        Path("config.toml").write_text("[mongodb]\ndatabase = 'here'\n")
        Path("other.toml").write_text("[mongodb]\ndatabase = 'there'\n")
        loaded = load(environ={"HOTSTREAM_CONFIG": "other.toml"})
        assert loaded.path == Path("other.toml")
        assert loaded.settings.mongodb.database == "there"

    def test_the_path_given_wins_over_hotstream_config(self) -> None:
        Path("given.toml").write_text("[mongodb]\ndatabase = 'given'\n")
        loaded = load(Path("given.toml"), environ={"HOTSTREAM_CONFIG": "missing.toml"})
        assert loaded.settings.mongodb.database == "given"

    @pytest.mark.parametrize("missing", ["nowhere.toml", "."])
    def test_a_file_that_was_named_must_be_readable(self, missing: str) -> None:
        with pytest.raises(ConfigError, match=r"named by HOTSTREAM_CONFIG") as caught:
            load(environ={"HOTSTREAM_CONFIG": missing})
        assert missing in str(caught.value)
        with pytest.raises(ConfigError, match=r"named by the command line"):
            load(Path(missing), environ={})

    def test_whole_numbers_are_durations_too(self) -> None:
        scheduler = read("[scheduler]\ncheck_interval = 5\nzombie_timeout = 60.5\n").settings
        assert scheduler.scheduler.check_interval == 5.0
        assert scheduler.scheduler.zombie_timeout == 60.5

    def test_byte_order_mark_and_windows_line_ends(self) -> None:
        file = Path("given.toml")
        file.write_bytes(b"\xef\xbb\xbf[mongodb]\r\ndatabase = 'x'\r\n")
        assert load(file, environ={}).settings.mongodb.database == "x"

    def test_platform_tables(self) -> None:
        loaded = read(
            "[platforms.twitter]\ninstances = ['http://localhost:8080']\n"
            "[platforms.twitter.rate_limit]\nrequests_per_minute = 30\n"
            "[platforms.'知乎']\napi_url = 'https://a.example'\nconfig = {depth = [1, {a = 2}]}\n"
        )
        twitter = loaded.settings.platform("twitter")
        assert twitter.instances == ["http://localhost:8080"]
        assert twitter.rate_limit.requests_per_minute == 30
        assert loaded.settings.platform("知乎").config == {"depth": [1, {"a": 2}]}
        assert loaded.settings.platform("weibo") == PlatformSettings()
        assert loaded.sources["platforms.twitter.instances"] == "given.toml"
        assert loaded.sources["platforms.twitter.browser"] == "default"

    def test_a_choice_in_another_case_is_the_choice(self) -> None:
        assert read("[framework]\nlog_level = 'debug'\n").settings.framework.log_level == "DEBUG"


class TestEnvironment:
    @pytest.mark.parametrize("key", [key for key in FIELDS if "*" not in key])
    @pytest.mark.parametrize("separators", ["_", "__"])
    def test_every_key_has_its_variable(self, key: str, separators: str) -> None:
        value = FIELDS[key].default
        if value is msgspec.NODEFAULT:
            value = []
        text = str(value).lower() if isinstance(value, bool) else str(value)
        name = "HOTSTREAM_" + key.replace(".", separators).upper()
        loaded = load(environ={name: text or EXAMPLES.get(key, "text")})
        assert loaded.sources[key] == name

    def test_no_key_looks_like_a_variable_of_a_service(self) -> None:
        for key in FIELDS:
            assert not re.search(r"[._](port|service_host|service_port.*)$", key), key

    @pytest.mark.parametrize(
        ("name", "text", "key", "value"),
        [
            ("SCHEDULER_CHECK_INTERVAL", "2.5", "scheduler.check_interval", 2.5),
            ("SCHEDULER_MAX_CONCURRENT_TASKS", " 7 ", "scheduler.max_concurrent_tasks", 7),
            ("SCHEDULER_REACTIVE", "off", "scheduler.reactive", False),
            ("SCHEDULER__REACTIVE", "No", "scheduler.reactive", False),
            ("_SCHEDULER__REACTIVE", "0", "scheduler.reactive", False),
            ("MONGODB_DRIVER", "PyMongo", "mongodb.driver", "pymongo"),
            ("PLUGINS_PLUGIN_DIRS", "a, b,", "plugins.plugin_dirs", ["a", "b"]),
            ("PLUGINS_PLUGIN_DIRS", '["a,b"]', "plugins.plugin_dirs", ["a,b"]),
        ],
    )
    def test_values(self, name: str, text: str, key: str, value: object) -> None:
        loaded = load(environ={f"HOTSTREAM_{name}": text})
        node: Any = loaded.settings
        for part in key.split("."):
            node = getattr(node, part)
        assert node == value
        assert loaded.sources[key] == f"HOTSTREAM_{name}"

    @pytest.mark.parametrize(
        "name",
        [
            "HOTSTREAM_PLATFORMS_MY_SITE_RATE_LIMIT_REQUESTS_PER_MINUTE",
            "HOTSTREAM_PLATFORMS__MY_SITE__RATE_LIMIT__REQUESTS_PER_MINUTE",
            "HOTSTREAM_PLATFORMS__MY_SITE__RATE_LIMIT_REQUESTS_PER_MINUTE",
        ],
    )
    def test_platforms(self, name: str) -> None:
        settings = load(environ={name: "7"}).settings
        assert settings.platforms["my_site"].rate_limit.requests_per_minute == 7

    def test_platform_lists_and_tables(self) -> None:
        settings = load(
            environ={
                "HOTSTREAM_PLATFORMS_TWITTER_INSTANCES": "http://a, https://b",
                "HOTSTREAM_PLATFORMS_TWITTER_CONFIG": "{depth = 3}",
            }
        ).settings
        assert settings.platform("twitter").instances == ["http://a", "https://b"]
        assert settings.platform("twitter").config == {"depth": 3}

    def test_platform_is_spelled_as_in_the_file(self) -> None:
        loaded = read(
            "[platforms.my-Site]\nbrowser = 'never'\n",
            {
                "HOTSTREAM_PLATFORMS_MY_SITE_ENABLED": "no",
                "HOTSTREAM_PLATFORMS__MY_SITE__USERNAME": "me",
            },
        )
        assert loaded.settings.platforms == {
            "my-Site": PlatformSettings(browser="never", enabled=False, username="me")
        }

    def test_names_of_the_original_compose_files(self) -> None:
        environ = {
            "MONGODB_URI": "mongodb://mongodb:27017",
            "MONGODB_DATABASE": "db",
            "WORKER_ID": "worker-1",
        }
        loaded = load(environ=environ)
        assert loaded.settings.mongodb.uri == "mongodb://mongodb:27017"
        assert loaded.settings.mongodb.database == "db"
        assert loaded.settings.framework.worker_id == "worker-1"
        assert loaded.sources["mongodb.uri"] == "MONGODB_URI"
        loaded = load(environ=environ | {"HOTSTREAM_MONGODB_URI": "mongodb://other"})
        assert loaded.settings.mongodb.uri == "mongodb://other"
        assert loaded.sources["mongodb.uri"] == "HOTSTREAM_MONGODB_URI"

    def test_an_empty_value_is_not_set(self) -> None:
        environ = {"HOTSTREAM_SCHEDULER_CHECK_INTERVAL": "", "MONGODB_URI": " ", "WORKER_ID": ""}
        loaded = load(environ=environ | {"HOTSTREAM_CONFIG": "", "HOTSTREAM_MONGODB_NOPE": ""})
        assert loaded.settings == Settings()

    @pytest.mark.parametrize(
        "name",
        [
            "HOTSTREAM_SERVICE_HOST",
            "HOTSTREAM_PORT",
            "HOTSTREAM_PORT_8080_TCP_ADDR",
            "HOTSTREAM_MONGODB_SERVICE_HOST",
            "HOTSTREAM_MONGODB_SERVICE_PORT_MONGODB",
            "HOTSTREAM_MONGODB_PORT",
            "HOTSTREAM_MONGODB_PORT_27017_TCP",
            "HOTSTREAM_MONGODB_PORT_27017_TCP_PROTO",
            "HOTSTREAM_STORAGE_ARBITER_SERVICE_PORT",
            "HOTSTREAM_MONGOD",
            "HOTSTREAM_SAMPLES",
            "HOTSTREAM_TEST_MONGODB_URI",
            "HOTSTREAM_VERSION",
            "HOTSTREAM_",
            "HOTSTREAM",
            "MONGODB_VERSION",
            "MY_HOTSTREAM_MONGODB_X",
        ],
    )
    def test_foreign_variables_are_left_alone(self, name: str) -> None:
        assert load(environ={name: "tcp://10.0.0.1:27017"}).settings == Settings()

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("HOTSTREAM_SCHEDULER_CHEK_INTERVAL", "HOTSTREAM_SCHEDULER_CHECK_INTERVAL"),
            ("HOTSTREAM_PLATFORMS_TWITTER_INSTANCE", "HOTSTREAM_PLATFORMS_TWITTER_INSTANCES"),
            ("HOTSTREAM_PLATFORMS_MY_SITE_ENABLE", "HOTSTREAM_PLATFORMS_MY_SITE_ENABLED"),
            ("HOTSTREAM_MONGODB__URL", "HOTSTREAM_MONGODB_URI"),
        ],
    )
    def test_a_mistyped_variable_is_refused(self, name: str, meant: str) -> None:
        (problem,) = refused(environ={name: CANARY})
        assert problem == f"environment variable {name}: no such setting; did you mean {meant}?"

    @pytest.mark.parametrize(
        "name",
        ["HOTSTREAM_STORAGE", "HOTSTREAM_PLATFORMS", "HOTSTREAM_PLATFORMS_", "HOTSTREAM_FETCH__"],
    )
    def test_a_section_alone_is_refused(self, name: str) -> None:
        (problem,) = refused(environ={name: "x"})
        assert problem.startswith(f"environment variable {name}: no such setting; ")


class TestFlags:
    def test_file_then_environment_then_flags(self) -> None:
        text = "[scheduler]\ncheck_interval = 1\npriority_check_interval = 1\ntask_timeout = 1\n"
        environ = {
            "HOTSTREAM_SCHEDULER_CHECK_INTERVAL": "2",
            "HOTSTREAM_SCHEDULER_PRIORITY_CHECK_INTERVAL": "2",
        }
        loaded = read(text, environ, {"scheduler.check_interval": 3, "mongodb.uri": None})
        scheduler = loaded.settings.scheduler
        assert scheduler.check_interval == 3
        assert scheduler.priority_check_interval == 2
        assert scheduler.task_timeout == 1
        assert loaded.sources["scheduler.check_interval"] == "flag"
        assert loaded.sources["mongodb.uri"] == "default"

    def test_texts_are_read_like_variables(self) -> None:
        settings = load(
            environ={}, overrides={"scheduler.check_interval": "3", "scheduler.reactive": "no"}
        ).settings
        assert settings.scheduler.check_interval == 3
        assert not settings.scheduler.reactive

    def test_an_empty_text_is_a_value(self) -> None:
        loaded = load(environ={"MONGODB_URI": "mongodb://x"}, overrides={"mongodb.uri": ""})
        assert loaded.settings.mongodb.uri == ""

    def test_wrong_flags_are_refused(self) -> None:
        problems = refused(overrides={"mongodb.databse": "x", "fetch.timeout": -1})
        assert problems == [
            "flag mongodb.databse: no such setting; did you mean mongodb.database?",
            "flag fetch.timeout = -1: expected a number of seconds above 0, at most 2592000 "
            "(30 days); change it, or remove it for the default 20.0",
        ]


class TestRefusal:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                "check_interval = 3",
                "check_interval: no such key or table; it belongs to [scheduler]",
            ),
            ("[schedular]\nx = 1", "schedular: no such key or table; did you mean scheduler?"),
            (
                "[scheduler]\nchek_interval = 3",
                "[scheduler] chek_interval: no such key or table; did you mean check_interval?",
            ),
            (
                "'scheduler.reactive' = true",
                "scheduler.reactive: no such key or table; remove it (known: ",
            ),
            ("scheduler = 3", "scheduler: expected a table; write [scheduler] and keys below it"),
            ("[[fetch]]\ntimeout = 1", "fetch: expected a table"),
            ("[mongodb.uri]\nx = 1", "[mongodb] uri = (not shown): expected an address starting"),
            (
                "[mongodb]\nsharded = true",
                "[mongodb] sharded: no such key or table; remove it (known: uri, ",
            ),
            (
                "[mongodb]\ndatabase = 'a b'",
                '[mongodb] database = "a b": expected 1 to 63 printable',
            ),
            (
                '[mongodb]\ndatabase = "a\\n"',
                '[mongodb] database = "a\\n": expected 1 to 63 printable',
            ),
            (
                "[framework]\nlog_level = 'warn'",
                '[framework] log_level = "warn": expected one of TRACE, DEBUG, INFO, WARNING, ',
            ),
            (
                "[scheduler]\nreactive = 'yes'",
                '[scheduler] reactive = "yes": expected true or false; change it, or ',
            ),
            (
                "[scheduler]\ncheck_interval = '5'",
                '[scheduler] check_interval = "5": expected a number of seconds above 0',
            ),
            (
                "[scheduler]\ncheck_interval = true",
                "[scheduler] check_interval = true: expected a number",
            ),
            (
                "[scheduler]\ncheck_interval = 0",
                "[scheduler] check_interval = 0: expected a number",
            ),
            (
                "[scheduler]\ncheck_interval = nan",
                "[scheduler] check_interval = NaN: expected a number",
            ),
            (
                "[scheduler]\ncheck_interval = inf",
                "[scheduler] check_interval = Infinity: expected a number",
            ),
            (
                "[scheduler]\ncheck_interval = 2025-01-01",
                '[scheduler] check_interval = "2025-01-01": expected a number',
            ),
            (
                "[scheduler]\nmax_rescues = 1.5",
                "[scheduler] max_rescues = 1.5: expected a whole number from 1 to 100000",
            ),
            (
                "[platforms]\ntwitter = true",
                "[platforms] twitter: expected a table; write [platforms.twitter]",
            ),
            ("[platforms.'a.b']\nenabled = true", "[platforms] a.b: a platform's name is made of"),
            (
                "[platforms.x]\nrate_limit = 5",
                "[platforms.x] rate_limit: expected a table; write [platforms.x.rate_limit]",
            ),
            (
                "[platforms.x]\ninstances = 'http://a'",
                '[platforms.x] instances = "http://a": expected a list of addresses',
            ),
            (
                "[platforms.x]\ninstances = ['ftp://a']",
                '[platforms.x] instances = ["ftp://a"]: expected a list of addresses',
            ),
            ("[platforms.x]\nbase_url = 'a'", '[platforms.x] base_url = "a": expected an address'),
            (
                "[platforms.x]\nbrwser = 'auto'",
                "[platforms.x] brwser: no such key or table; did you mean browser?",
            ),
            ("[storage]\noutput_dir = ''", '[storage] output_dir = "": expected a directory'),
            ("\n\nx = ]", "not valid TOML: Invalid value (at line 3, column 5)"),
            ("[a]\n[a]\n", "not valid TOML: Cannot declare"),
        ],
    )
    def test_what_where_and_the_remedy(self, text: str, said: str) -> None:
        (problem,) = refused(text)
        assert problem.startswith(f"given.toml: {said}")

    def test_the_default_and_a_near_choice_are_told(self) -> None:
        (problem,) = refused("[framework]\nlog_level = 'warn'")
        assert problem.endswith(
            'change it, or remove it for the default "INFO"; did you mean WARNING?'
        )

    def test_all_problems_are_listed_at_once(self) -> None:
        problems = refused(
            "[scheduler]\nreactive = 1\ntask_timeot = 5\n[fetch]\ntimeout = 'x'\n",
            {"HOTSTREAM_FETCH_MAX_BODY_MB": "0", "HOTSTREAM_FETCH_NOPE": "1"},
            {"storage.batch_size": 0},
        )
        assert len(problems) == 6

    def test_a_broken_file_does_not_hide_the_environment(self) -> None:
        problems = refused("x = ", {"HOTSTREAM_FETCH_TIMEOUT": "soon"})
        assert len(problems) == 2

    def test_a_value_that_is_wrong_is_told_although_it_is_overridden(self) -> None:
        refused("[fetch]\ntimeout = 'x'\n", {"HOTSTREAM_FETCH_TIMEOUT": "5"})

    def test_not_utf8(self) -> None:
        Path("latin.toml").write_bytes(b"[framework]\nworker_id = '\xe9'\n")
        with pytest.raises(ConfigError, match=r"latin.toml: line 2 is not UTF-8"):
            load(Path("latin.toml"), environ={})

    def test_a_bottomless_file(self) -> None:
        refused("x = " + "[" * 100_000)

    def test_terminal_controls_do_not_reach_the_message(self) -> None:
        (problem,) = refused('[framework]\n"a\\u001b[2Jb\\nc\\u202e" = 1\n')
        assert problem.startswith("given.toml: [framework] a[2Jb⏎c: no such key")

    def test_heartbeats_must_fit_into_the_lease(self) -> None:
        (problem,) = refused(
            "[scheduler]\nheartbeat_interval = 20\n", {"HOTSTREAM_SCHEDULER_ZOMBIE_TIMEOUT": "39"}
        )
        assert "given.toml: [scheduler] heartbeat_interval = 20" in problem
        assert "HOTSTREAM_SCHEDULER_ZOMBIE_TIMEOUT = 39" in problem
        assert "raise scheduler.zombie_timeout or lower scheduler.heartbeat_interval" in problem
        read("[scheduler]\nheartbeat_interval = 20\nzombie_timeout = 40\n")

    def test_the_first_delay_is_no_longer_than_the_longest(self) -> None:
        (problem,) = refused("[scheduler]\nretry_base_delay = 301\n")
        assert "[scheduler] retry_max_delay (default) = 300" in problem
        read("[scheduler]\nretry_base_delay = 300\n")

    def test_what_was_refused_is_not_compared(self) -> None:
        refused("[scheduler]\nheartbeat_interval = 20\nzombie_timeout = 'x'\n")

    @hypothesis.settings(deadline=None)
    @given(
        st.dictionaries(
            st.sampled_from([key.replace("*", "x") for key in FIELDS]) | st.text(max_size=8),
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text()
            | st.lists(st.text()),
            max_size=4,
        )
    )
    def test_any_flags_give_settings_or_a_clean_config_error(
        self, overrides: dict[str, Any]
    ) -> None:
        try:
            load(Path(os.devnull), environ={}, overrides=overrides)
        except ConfigError as error:
            message = str(error)
        else:
            message = ""
        assert all(clean(line, 10_000) == line for line in message.split("\n"))


class TestSecrets:
    @pytest.mark.parametrize(
        "text",
        [
            f"[mongodb]\nuri = 'postgres://user:{CANARY}@h'",
            f"[mongodb]\nuri = '{CANARY}'",
            f"[mongodb]\nurl = 'mongodb://user:{CANARY}@h'",
            f"[mongodb]\nuri = ['mongodb://user:{CANARY}@h']",
            f"[mongodb]\nuri = 'mongodb://user:{CANARY} {CANARY}@h'",
            f"[platforms.x]\npasswrod = '{CANARY}'",
            f"[platforms.x]\npassword = ['{CANARY}']",
            f"[platforms.x]\nusername = {{x = '{CANARY}'}}",
            f"[platforms.x]\ninstances = ['https://u:{CANARY}@h', 'ftp://x']",
            f"[platforms.x]\nbase_url = 'ftp://u:{CANARY}@h'",
            f"[platforms.x]\nconfig = [{{api_token = '{CANARY}'}}]",
            f"[framework]\nlog_level = 'mongodb://u:{CANARY}@h'",
        ],
    )
    def test_no_refusal_shows_one(self, text: str) -> None:
        assert CANARY not in "\n".join(refused(text))

    def test_nor_does_one_about_the_environment_or_flags(self) -> None:
        problems = refused(
            environ={
                "MONGODB_URI": f"u:{CANARY}@h",
                "HOTSTREAM_MONGODB_URI": f"u:{CANARY}@h",
                "HOTSTREAM_MONGODB_PASSWORD": CANARY,
                "HOTSTREAM_PLATFORMS_X_INSTANCES": f"u:{CANARY}@h, http://u:{CANARY}@h",
            },
            overrides={"mongodb.uri": CANARY, "mongodb.password": CANARY},
        )
        assert len(problems) == 6
        assert f"u:{CANARY}@h" not in "\n".join(p for p in problems if "INSTANCES" not in p)
        assert "http://***@h" in "\n".join(problems)

    def test_redacted_tree(self) -> None:
        settings = read(
            "[mongodb]\nuri = 'mongodb://u:c4n4ry@a,b/x'\n"
            "[platforms.x]\nusername = 'c4n4ry'\npassword = 'c4n4ry'\napi_url = 'http://u:c4n4ry@h'\n"
            "instances = ['https://u:c4n4ry@h/@name']\n"
            "config = {session_cookie = 'c4n4ry', credentials = {a = 'c4n4ry'}, depth = 3}\n"
        ).settings
        shown = redacted("", to_builtins(settings))
        assert CANARY not in str(shown)
        assert shown["mongodb"]["uri"] == "mongodb://***@a,b/x"
        assert shown["platforms"]["x"]["instances"] == ["https://***@h/@name"]
        assert shown["platforms"]["x"]["config"]["depth"] == 3
        assert shown["scheduler"] == to_builtins(settings)["scheduler"]
        assert redacted("platforms.x.password", "") == ""


class TestRedactUri:
    @pytest.mark.parametrize(
        ("uri", "shown"),
        [
            ("", ""),
            ("mongodb://localhost", "mongodb://localhost"),
            ("mongodb://h:27017/db?replicaSet=rs0", "mongodb://h:27017/db?replicaSet=rs0"),
            ("mongodb://a:1,b:2,[::1]:3/?w=1&tls=true", "mongodb://a:1,b:2,[::1]:3/?w=1&tls=true"),
            ("mongodb://u:p%40%2F@h1:1,h2:2/db", "mongodb://***@h1:1,h2:2/db"),
            ("mongodb+srv://u:p@c.example.net/", "mongodb+srv://***@c.example.net/"),
            ("MongoDB://u:p@h", "MongoDB://***@h"),
            ("mongodb://u@h", "mongodb://***@h"),
            ("mongodb://%2Ftmp%2Fmongodb-27017.sock", "mongodb://%2Ftmp%2Fmongodb-27017.sock"),
            (
                "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:x&authSource=admin",
                "mongodb://h/?authMechanismProperties=***&authSource=admin",
            ),
            (
                "mongodb://h/?tlsCertificateKeyFilePassword=x",
                "mongodb://h/?tlsCertificateKeyFilePassword=***",
            ),
            ("mongodb://u:p@ss@h/db", "mongodb://***"),
            ("mongodb://u:p/ss@h/db", "mongodb://***"),
            ("mongodb://u:p?ss@h/db", "mongodb://***"),
            ("mongodb://u:pass", "mongodb://***"),
            ("mongodb://u:p ss@h", "mongodb://***"),
            ("mongodb://", "mongodb://***"),
            ("mongodb:/u:p@h", "***"),
            ("u:p@h", "***"),
            ("postgres://u:p@h", "***"),
        ],
    )
    def test_forms(self, uri: str, shown: str) -> None:
        assert redact_uri(uri) == shown

    @given(
        scheme=st.sampled_from(["mongodb://", "mongodb+srv://", "mongodb:", "http://", ""]),
        before=st.text(max_size=5),
        after=st.text(max_size=5),
        encoded=st.booleans(),
        rest=st.sampled_from(["@h", "@h1:1,h2:2/db?w=1", "@h/?x=a@b", "@", "@[::1]/d?a&b", ""]),
    )
    @example(scheme="mongodb://", before="", after="\n", encoded=False, rest="@h")
    def test_the_password_is_never_shown(
        self, scheme: str, before: str, after: str, encoded: bool, rest: str
    ) -> None:
        password = f"{before}{CANARY}{after}"
        password = quote_plus(password.encode("utf-8", "replace")) if encoded else password
        shown = redact_uri(f"{scheme}user:{password}{rest}")
        # With a raw `@` before it, its rest is by the rules of URIs a host: nobody can tell.
        assert CANARY not in shown or (not encoded and "@" in password)
