"""All settings and their defaults: `config.toml` < environment < flags.

Durations are seconds and may be fractions. Every key of `config.toml` is here and every key here is
in `config.toml`; loading is in `settings_load.py`'s place below: `load`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(gt=0, le=30 * 86_400)]
Count = Annotated[int, Meta(ge=1, le=100_000)]


class FrameworkSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[framework]"""

    log_level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    worker_id: str = ""


class MongoSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[mongodb]"""

    uri: str = ""
    database: Annotated[str, Meta(pattern=r"^[^/\\. \"$*<>:|?\x00]{1,63}$")] = "hotstream"
    driver: Literal["motor", "pymongo"] = "motor"
    operation_timeout: Seconds = 15.0


class SchedulerSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[scheduler]"""

    reactive: bool = True
    check_interval: Seconds = 10.0
    priority_check_interval: Seconds = 3.0
    maintenance_interval: Seconds = 30.0
    max_concurrent_tasks: Count = 5
    task_timeout: Seconds = 3600.0
    heartbeat_interval: Seconds = 10.0
    zombie_timeout: Seconds = 30.0
    max_rescues: Count = 3
    retry_base_delay: Seconds = 2.0
    retry_max_delay: Seconds = 300.0
    shutdown_grace: Annotated[float, Meta(ge=0, le=3600)] = 25.0


class RateLimitSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[platforms.<name>.rate_limit]"""

    requests_per_minute: Annotated[int, Meta(ge=1, le=60_000)] = 60


class PlatformSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[platforms.<name>]; `config` is handed to a plugin as it stands."""

    enabled: bool = True
    rate_limit: RateLimitSettings = RateLimitSettings()
    instances: list[Annotated[str, Meta(pattern=r"^https?://")]] = []
    browser: Literal["auto", "never", "always"] = "auto"
    config: dict[str, Any] = {}


class FetchSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[fetch]"""

    timeout: Seconds = 20.0
    max_body_mb: Annotated[int, Meta(ge=1, le=1024)] = 20
    user_agent: str = ""
    chromium: str = ""


class StorageSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[storage]"""

    default_type: str = "mongodb"
    output_dir: str = "output"
    batch_size: Annotated[int, Meta(ge=1, le=1000)] = 100


class PluginSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[plugins]"""

    plugin_dirs: list[str] = []


class MonitoringSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[monitoring]"""

    log_file: str = ""
    log_rotation: str = "1 day"
    log_retention: str = "30 days"
    runs_retention_days: Annotated[int, Meta(ge=1, le=3650)] = 30


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

    def platform(self, name: str) -> PlatformSettings:
        """The settings of a platform, defaults when it has no table of its own."""
        return self.platforms.get(name, PlatformSettings())


def to_builtins(settings: Settings) -> dict[str, Any]:
    """The settings as plain tables, e.g. for printing."""
    result: dict[str, Any] = msgspec.to_builtins(settings)
    return result
