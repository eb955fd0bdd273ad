"""The registry: entry points, plugin files, and plugins that are broken in every way."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import tomli

from hotstream_reactive.plugins import (
    BUILT_IN,
    EXTRACTORS,
    PLATFORMS,
    STORAGES,
    BrokenPlugin,
    Registry,
    load_plugins,
)
from hotstream_reactive.storages.json import JsonStorage

ROOT = Path(__file__).parents[1]

# As in the README of the original, but for the place of the import.
ORIGINAL = """
    from hotstream_reactive.extractors import DataExtractor
    from hotstream_reactive.model.item import DataItem
    from hotstream_reactive.platforms import PlatformAdapter
    from hotstream_reactive.storages import StorageAdapter

    class MyPlatformAdapter(PlatformAdapter):
        platform_name = "myplatform"

        async def authenticate(self, credentials):
            return True

        async def search(self, keywords, options):
            for result in keywords:
                yield DataItem(id=result, platform=self.platform_name, content=result)

    class MyDataExtractor(DataExtractor):
        async def extract(self, raw_data):
            return DataItem(**raw_data)

        def validate(self, data):
            return len(data.content) > 10

    class MyStorageAdapter(StorageAdapter):
        async def save(self, items):
            return True

        async def query(self, filters):
            return []
"""
GOOD = """
    from hotstream_reactive.platforms import PlatformAdapter
    class Good(PlatformAdapter):
        async def search(self, keywords, options):
            yield {}
"""


@pytest.fixture
def plugin_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "plugins"
    directory.mkdir()
    return directory


def write(file: Path, source: str) -> Path:
    file.write_text(textwrap.dedent(source), encoding="utf-8")
    return file


def install(site: Path, name: str, entries: str, **modules: str) -> None:
    """Lay out a distribution as pip does."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    write(info / "entry_points.txt", entries)
    for module, source in modules.items():
        write(site / f"{module}.py", source)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "site"
    directory.mkdir()
    monkeypatch.syspath_prepend(directory)
    return directory


def broken_by_name(registry: Registry) -> dict[str, BrokenPlugin]:
    """The broken plugins that are not ours."""
    ours = "hotstream-reactive"
    return {broken.name: broken for broken in registry.broken if broken.origin != ours}


class TestBuiltIn:
    def test_the_table_is_that_of_pyproject(self) -> None:
        project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["entry-points"] == BUILT_IN

    def test_all_load(self) -> None:
        registry = load_plugins()
        assert registry.broken == []
        assert set(BUILT_IN[PLATFORMS]) <= set(registry.platforms)
        assert set(BUILT_IN[EXTRACTORS]) <= set(registry.extractors)
        assert set(BUILT_IN[STORAGES]) <= set(registry.storages)
        assert registry.storages["json"] is JsonStorage

    def test_playwright_is_not_imported_for_it(self) -> None:
        code = (
            "import sys; from hotstream_reactive.plugins import load_plugins; load_plugins(); "
            "sys.exit('playwright' in sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


class TestEntryPoints:
    def test_an_installed_plugin_joins_ours(self, site: Path) -> None:
        entries = "[hotstream.platforms]\nmysite = mysite_plugin:Good\n"
        install(site, "mysite", entries, mysite_plugin=GOOD)
        registry = load_plugins()
        assert registry.platforms["mysite"].platform_name == "mysite"
        assert "json" in registry.storages

    def test_ours_come_from_the_installed_package_when_there_is_one(self, site: Path) -> None:
        entries = "[hotstream.storages]\njson = hotstream_reactive.storages.json:JsonStorage\n"
        install(site, "hotstream-reactive", entries)
        registry = load_plugins()
        assert "json" in registry.storages
        assert "mongodb" not in registry.storages

    def test_a_plugin_cannot_take_a_name_of_ours(self, site: Path) -> None:
        entries = "[hotstream.storages]\njson = a_json:Mine\n"
        source = "from hotstream_reactive.storages.json import JsonStorage as Mine"
        install(site, "A_JSON", entries, a_json=source)
        registry = load_plugins()
        broken = broken_by_name(registry)["json"]
        assert broken.group == STORAGES
        assert broken.origin == "a-json"
        assert "already taken by hotstream-reactive" in broken.reason
        assert registry.storages["json"] is JsonStorage

    @pytest.mark.parametrize(
        ("source", "target", "reason"),
        [
            ("", "Missing", "has no attribute 'Missing'"),
            ("import no_such_module_at_all", "X", "No module named 'no_such_module_at_all'"),
            ("raise SystemExit(3)", "X", "SystemExit: 3"),
            ("class Stop(BaseException): pass\nraise Stop('\x1b[2J')", "X", "Stop: [2J"),
            ("raise OSError('mongodb://u:secret@h')", "X", "OSError: mongodb://***@h"),
            ("def broken(:", "X", "SyntaxError"),
            ("X = 5", "X", "5 is no subclass of hotstream_reactive.platforms.base.PlatformAdapter"),
            ("class X: pass", "X", "is no subclass of"),
            (
                "from hotstream_reactive.platforms import PlatformAdapter\n"
                "class X(PlatformAdapter): pass",
                "X",
                "class X lacks the methods search",
            ),
            (
                "from hotstream_reactive.platforms import PlatformAdapter\n"
                "class X(PlatformAdapter):\n    async def search(self, words, options): pass",
                "X",
                "X.search must be an async generator",
            ),
            (
                "class X:\n    def __repr__(self): raise RuntimeError('no repr')\nX = X()",
                "X",
                "RuntimeError: no repr",
            ),
            (
                "class E(Exception):\n    def __str__(self): raise RuntimeError\nraise E",
                "X",
                "E: <exception str() failed>",
            ),
        ],
    )
    def test_a_broken_one_is_named_and_the_others_live(
        self, source: str, target: str, reason: str, site: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delitem(sys.modules, "plugin_under_test", raising=False)
        entries = f"[hotstream.platforms]\nbad = plugin_under_test:{target}\n"
        install(site, "Bad.Plugin", entries, plugin_under_test=source)
        install(site, "zz-good", "[hotstream.platforms]\ngood = zz_good:Good", zz_good=GOOD)
        registry = load_plugins()
        broken = broken_by_name(registry)["bad"]
        assert (broken.group, broken.origin) == (PLATFORMS, "bad-plugin")
        assert reason in broken.reason
        assert str(broken).startswith("platform 'bad' of bad-plugin is left out: ")
        assert "good" in registry.platforms
        assert "bad" not in registry.platforms

    def test_a_keyboard_interrupt_is_no_fault_of_the_plugin(self, plugin_dir: Path) -> None:
        write(plugin_dir / "slow.py", "raise KeyboardInterrupt")
        with pytest.raises(KeyboardInterrupt):
            load_plugins([plugin_dir])


class TestFiles:
    def test_the_contract_of_the_original(self, plugin_dir: Path) -> None:
        write(plugin_dir / "my.py", ORIGINAL)
        registry = load_plugins([plugin_dir])
        assert not broken_by_name(registry)
        assert registry.platforms["myplatform"].__name__ == "MyPlatformAdapter"
        assert registry.extractors["myplatform"].__name__ == "MyDataExtractor"
        assert registry.storages["my"].__name__ == "MyStorageAdapter"

    @pytest.mark.parametrize(
        ("base", "cls", "attribute", "group", "name"),
        [
            ("DataExtractor", "MyDataExtractor", "", "extractors", "my"),
            ("DataExtractor", "MyExtractor", "", "extractors", "my"),
            ("DataExtractor", "MyPlatformExtractor", "", "extractors", "myplatform"),
            ("DataExtractor", "Extractor", "", "extractors", "extractor"),
            ("DataExtractor", "X", 'platform_name = "weibo"', "extractors", "weibo"),
            ("DataExtractor", "X", 'name = "weibo"', "extractors", "weibo"),
            ("StorageAdapter", "MyStorage", "", "storages", "my"),
            ("StorageAdapter", "JsonLinesStorageAdapter", "", "storages", "jsonlines"),
            ("StorageAdapter", "X", 'storage_type = "s3"', "storages", "s3"),
            ("StorageAdapter", "X", 'name = "s3"; storage_type = ""', "storages", "s3"),
        ],
    )
    def test_names(
        self, base: str, cls: str, attribute: str, group: str, name: str, plugin_dir: Path
    ) -> None:
        write(
            plugin_dir / "x.py",
            f"""
            from hotstream_reactive.extractors import DataExtractor
            from hotstream_reactive.storages import StorageAdapter
            class {cls}({base}):
                {attribute or "pass"}
                async def extract(self, raw_data): ...
                async def save(self, items): return True
                async def query(self, filters): return []
            """,
        )
        registry = load_plugins([plugin_dir])
        assert not broken_by_name(registry)
        assert getattr(registry, group)[name].__name__ == cls

    def test_a_class_without_a_platform_name_gets_one(self, plugin_dir: Path) -> None:
        write(plugin_dir / "x.py", GOOD)
        assert load_plugins([plugin_dir]).platforms["good"].platform_name == "good"

    def test_only_public_classes_of_the_file_itself(self, plugin_dir: Path) -> None:
        write(
            plugin_dir / "x.py",
            """
            from hotstream_reactive.storages import StorageAdapter
            from hotstream_reactive.storages.json import JsonStorage
            class _Base(StorageAdapter):
                async def save(self, items): return True
            class Mine(_Base):
                async def query(self, filters): return []
            Alias = Mine
            """,
        )
        registry = load_plugins([plugin_dir])
        assert not broken_by_name(registry)
        assert registry.storages["mine"].__name__ == "Mine"

    def test_files_that_are_no_plugins(self, plugin_dir: Path) -> None:
        write(plugin_dir / "__init__.py", "1/0")
        write(plugin_dir / "_helper.py", "1/0")
        write(plugin_dir / "notes.txt", "1/0")
        (plugin_dir / "folder.py").mkdir()
        assert not broken_by_name(load_plugins([plugin_dir]))

    def test_equal_file_names_do_not_meet(self, plugin_dir: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        write(plugin_dir / "json.py", GOOD)
        write(other / "json.py", GOOD.replace("Good", "Better"))
        registry = load_plugins([plugin_dir, other, plugin_dir])
        assert not broken_by_name(registry)
        assert registry.platforms["good"].__module__ != registry.platforms["better"].__module__
        assert sys.modules[registry.platforms["good"].__module__].Good

    def test_a_file_and_a_directory_may_be_broken(self, plugin_dir: Path, tmp_path: Path) -> None:
        write(plugin_dir / "a_bad.py", "import sys; sys.exit('no')")
        write(plugin_dir / "b_empty.py", "")
        write(plugin_dir / "c_good.py", GOOD)
        write(plugin_dir / "d_clash.py", GOOD)
        write(plugin_dir / "e_name.py", GOOD + "    Good.platform_name = 'a.b'")
        (plugin_dir / "f_bytes.py").write_bytes(b"\xff\xfe\x00")
        (plugin_dir / "g_dangling.py").symlink_to("nowhere")
        write(
            plugin_dir / "h_proxy.py",
            GOOD
            + """
    class Proxy:
        @property
        def __class__(self):
            raise RuntimeError("outside of a request")
    proxy = Proxy()
    Good.platform_name = "behind_proxy"
            """,
        )
        missing = tmp_path / "missing"
        modules = set(sys.modules)
        registry = load_plugins([missing, plugin_dir])
        broken = broken_by_name(registry)
        assert set(broken) == {"missing", "a_bad", "b_empty", "good", "a.b", "f_bytes"}
        assert broken["missing"].origin == str(missing)
        assert "No such file or directory" in broken["missing"].reason
        assert broken["a_bad"].reason == "SystemExit: no"
        assert broken["a_bad"].origin == str(plugin_dir / "a_bad.py")
        assert "defines no PlatformAdapter" in broken["b_empty"].reason
        assert f"already taken by {plugin_dir / 'c_good.py'}" in broken["good"].reason
        assert broken["good"].origin == str(plugin_dir / "d_clash.py")
        assert "1 to 64 letters" in broken["a.b"].reason
        assert {"good", "behind_proxy"} <= set(registry.platforms)
        assert not [name for name in set(sys.modules) - modules if "a_bad" in name]

    def test_of_several_classes_the_good_ones_stay(self, plugin_dir: Path) -> None:
        source = ORIGINAL + "\n    class Half(StorageAdapter): pass\n"
        write(plugin_dir / "x.py", source)
        registry = load_plugins([plugin_dir])
        (broken,) = broken_by_name(registry).values()
        assert broken.reason == "class Half lacks the methods query, save"
        assert (
            str(broken) == f"storage 'half' of {plugin_dir / 'x.py'} is left out: {broken.reason}"
        )
        assert "my" in registry.storages

    def test_home_directory(
        self, plugin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        write(plugin_dir / "x.py", GOOD)
        assert "good" in load_plugins([Path("~/plugins")]).platforms

    def test_each_load_is_a_registry_of_its_own(self, plugin_dir: Path) -> None:
        write(plugin_dir / "x.py", GOOD)
        first: Any = load_plugins([plugin_dir])
        assert "good" in first.platforms
        assert "good" not in load_plugins().platforms
