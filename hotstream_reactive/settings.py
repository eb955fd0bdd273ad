"""All settings and their defaults: `config.toml` < environment < flags.

Durations are seconds and may be fractions. Every key of `config.toml` is here and every key here is
in `config.toml`; `settings_file.py` reads it. A `description` says what is allowed, in the words
the operator reads when a value is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from hotstream_reactive.text import redact, redact_uri

#: Names of platforms and storages: letters, digits, ``_`` and ``-`` of any script.
NAME_PATTERN = r"^[\w-]{1,64}\Z"

Seconds = Annotated[
    float,
    Meta(
        gt=0, le=30 * 86_400, description="a number of seconds above 0, at most 2592000 (30 days)"
    ),
]
Count = Annotated[int, Meta(ge=1, le=100_000, description="a whole number from 1 to 100000")]
Url = Annotated[
    str,
    Meta(pattern=r"^https?://[^\s/?#]", description="an address starting with http:// or https://"),
]
OptionalUrl = Annotated[
    str,
    Meta(
        pattern=r"^(?:\Z|https?://[^\s/?#])",
        description='an address starting with http:// or https://, or ""',
    ),
]
Proxies = Annotated[
    list[
        Annotated[
            str,
            Meta(
                pattern=r"^(?:direct\Z|(?:https?|socks5)://[^\s/?#]+/?\Z)",
                description='an address starting with http://, https:// or socks5://, or "direct"',
            ),
        ]
    ],
    Meta(
        description="a list of proxies, each starting with http://, https:// or socks5://, "
        'or "direct"'
    ),
]


class FrameworkSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[framework]"""

    log_level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    worker_id: Annotated[
        str, Meta(max_length=128, description="a text of at most 128 characters")
    ] = ""


class MongoSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[mongodb]; an empty `uri` means: start the embedded replica set."""

    uri: Annotated[
        str,
        Meta(
            pattern=r"^(?:\Z|mongodb(?:\+srv)?://\S+\Z)",
            description='an address starting with mongodb:// or mongodb+srv://, or ""',
        ),
    ] = ""
    database: Annotated[
        str,
        Meta(
            pattern=r"^[^/\\. \"$*<>:|?\x00-\x1f]{1,63}\Z",
            description='1 to 63 printable characters without / \\ . " $ * < > : | ? and space',
        ),
    ] = "hotstream"
    driver: Literal["motor", "pymongo"] = "motor"
    embedded_dir: str = ".hotstream/mongodb"
    operation_timeout: Seconds = 15.0


class SchedulerSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[scheduler]"""

    reactive: bool = True
    check_interval: Seconds = 10.0
    priority_check_interval: Seconds = 3.0
    maintenance_interval: Seconds = 30.0
    max_concurrent_tasks: Count = 5
    task_timeout: Annotated[
        float, Meta(ge=1, le=30 * 86_400, description="a number of seconds from 1 to 2592000")
    ] = 3600.0
    heartbeat_interval: Seconds = 10.0
    zombie_timeout: Seconds = 30.0
    max_rescues: Count = 3
    stuck_after: Seconds = 120.0
    schedule_floor: Annotated[
        float, Meta(ge=0, le=86_400, description="a number of seconds from 0 to 86400")
    ] = 5.0
    express_slots: Annotated[
        int, Meta(ge=0, le=1000, description="a whole number from 0 to 1000")
    ] = 1
    retry_base_delay: Seconds = 2.0
    retry_max_delay: Seconds = 300.0
    shutdown_grace: Annotated[
        float, Meta(ge=0, le=3600, description="a number of seconds from 0 to 3600")
    ] = 25.0


class RateLimitSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[platforms.<name>.rate_limit]"""

    requests_per_minute: Annotated[
        int, Meta(ge=1, le=60_000, description="a whole number from 1 to 60000")
    ] = 60


class PlatformSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[platforms.<name>]; `config` is handed to a plugin as it stands."""

    enabled: bool = True
    max_running: Annotated[
        int, Meta(ge=0, le=100_000, description="a whole number from 0 to 100000; 0 is no limit")
    ] = 0
    rate_limit: RateLimitSettings = RateLimitSettings()
    instances: Annotated[
        list[Url], Meta(description="a list of addresses starting with http:// or https://")
    ] = []
    base_url: OptionalUrl = ""
    api_url: OptionalUrl = ""
    username: str = ""
    password: str = ""
    browser: Literal["auto", "never", "always"] = "auto"
    respect_robots: Annotated[
        bool | Literal["auto"], Meta(description='true, false, or "auto" in quotes')
    ] = "auto"
    proxies: Proxies = []
    storage_state: Annotated[
        str, Meta(description='the path of a file saved by Playwright\'s --save-storage, or ""')
    ] = ""
    config: dict[str, Any] = {}


#: Platforms whose defaults are not those of `PlatformSettings`.
PLATFORM_DEFAULTS: Mapping[str, PlatformSettings] = {
    # About one feed in ten seconds is what Medium lets pass; Juejin wants some seconds between.
    "medium": PlatformSettings(rate_limit=RateLimitSettings(requests_per_minute=6)),
    "juejin": PlatformSettings(rate_limit=RateLimitSettings(requests_per_minute=20)),
    # Zhihu's terms forbid automated collection: whoever switches it on has decided to.
    # One reader at a time, as one person would read.
    "zhihu": PlatformSettings(
        enabled=False, max_running=1, rate_limit=RateLimitSettings(requests_per_minute=6)
    ),
}


class FetchSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[fetch]"""

    timeout: Seconds = 20.0
    max_body_mb: Annotated[
        int, Meta(ge=1, le=1024, description="a whole number of MiB from 1 to 1024")
    ] = 20
    user_agent: str = ""
    retries: Annotated[int, Meta(ge=0, le=10, description="a whole number from 0 to 10")] = 2
    proxies: Proxies = []
    chromium: str = ""
    browser_max_pages: Annotated[
        int, Meta(ge=1, le=100_000, description="a whole number from 1 to 100000")
    ] = 200
    evidence_max_files: Annotated[
        int, Meta(ge=0, le=10_000, description="a whole number from 0 to 10000; 0 keeps none")
    ] = 50


class StorageSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[storage]"""

    default_type: Annotated[
        str, Meta(pattern=NAME_PATTERN, description="the name of a storage, e.g. mongodb or json")
    ] = "mongodb"
    output_dir: Annotated[str, Meta(min_length=1, description="a directory")] = "output"
    batch_size: Annotated[int, Meta(ge=1, le=1000, description="a whole number from 1 to 1000")] = (
        100
    )


class PluginSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[plugins]"""

    plugin_dirs: Annotated[list[str], Meta(description="a list of directories")] = []


class MonitoringSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[monitoring]"""

    log_file: str = ""
    log_rotation: str = "1 day"
    log_retention: str = "30 days"
    health_dir: str = ".hotstream/health"
    runs_retention_days: Annotated[
        int, Meta(ge=1, le=3650, description="a whole number of days from 1 to 3650")
    ] = 30
    metrics_address: Annotated[
        str,
        Meta(
            pattern=r"^(?:\Z|[^\s/@]+:[1-9]\d{0,4}\Z)",
            description='host and port, e.g. 127.0.0.1:9464, or ""',
        ),
    ] = ""
    traces_endpoint: OptionalUrl = ""


class NotificationSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[notifications]"""

    on: Annotated[
        list[Literal["completed", "nothing_found", "failed", "needs_login"]],
        Meta(description="a list of completed, nothing_found, failed, needs_login"),
    ] = msgspec.field(default_factory=lambda: ["nothing_found", "failed", "needs_login"])
    webhooks: Annotated[
        list[Url], Meta(description="a list of addresses starting with http:// or https://")
    ] = []
    secret: str = ""
    command: Annotated[
        list[str], Meta(description="a program and its arguments, each a text in a list")
    ] = []
    timeout: Seconds = 10.0
    attempts: Annotated[int, Meta(ge=1, le=20, description="a whole number from 1 to 20")] = 5
    retry_base_delay: Seconds = 2.0
    queue_size: Count = 1000


class HistorySettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[history]"""

    enabled: bool = False
    retention_days: Annotated[
        int, Meta(ge=1, le=3650, description="a whole number of days from 1 to 3650")
    ] = 14


_ANY_PLATFORM = PlatformSettings()


class Settings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The whole configuration."""

    framework: FrameworkSettings = FrameworkSettings()
    mongodb: MongoSettings = MongoSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    platforms: dict[str, PlatformSettings] = {}
    fetch: FetchSettings = FetchSettings()
    storage: StorageSettings = StorageSettings()
    plugins: PluginSettings = PluginSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    history: HistorySettings = HistorySettings()
    notifications: NotificationSettings = NotificationSettings()

    def platform(self, name: str) -> PlatformSettings:
        """The settings of a platform, defaults when it has no table of its own."""
        return self.platforms.get(name) or PLATFORM_DEFAULTS.get(name) or _ANY_PLATFORM


def to_builtins(settings: Settings) -> dict[str, Any]:
    """The settings as plain tables, secrets included; `redacted` makes them fit for printing."""
    result: dict[str, Any] = msgspec.to_builtins(settings)
    return result


_SECRET_KEY = re.compile(
    r"user_?name|pass(word|wd)|token|secret|cookie|credential|authorization|api_?key", re.IGNORECASE
)


def redacted(key: str, value: Any) -> Any:
    """A setting as it may be shown.

    Args:
        key: dotted, e.g. ``mongodb.uri``, or "" for the whole tree of `to_builtins`.
        value: anything TOML can hold; tables and lists are gone through.

    Returns:
        The value, with ``***`` in place of secrets and of credentials inside addresses.
    """
    match value:
        case "" | None:
            return value
        case str() if key == "mongodb.uri":
            return redact_uri(value)
        case str() if key.endswith(".proxies") and "@" in value:
            # Also when the scheme was forgotten, so that it is no address.
            return "***@" + value.rpartition("@")[2]
        case str() if key == "notifications.webhooks":
            # The path of a webhook is often its only password.
            return re.sub(r"^(https?://)(?:[^/?#]*@)?([^/?#]+).+", r"\1\2/***", value)
        case _ if _SECRET_KEY.search(key.rpartition(".")[2]):
            return "***"
        case Mapping():
            return {inner: redacted(f"{key}.{inner}".lstrip("."), v) for inner, v in value.items()}
        case list():
            return [redacted(key, inner) for inner in value]
    return redact(value) if isinstance(value, str) else value
