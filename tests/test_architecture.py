"""The laws of the house, held against the syntax trees of all modules."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from engine import errors

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 600
"""Lines of a module."""
SLOW = ("aiobotocore", "botocore", "boto3", "aiohttp", "textual", "rich", "duckdb", "PIL", "moto")
PURE = (
    "engine.comparison",
    "engine.definition",
    "engine.model",
    "engine.planning",
    "pipetui.viewmodel",
    "engine.store.rules",
)
IMPURE = {"asyncio", "os", "sqlite3", "time", "random", "subprocess", "socket", "threading"}
LEAVES = ("engine.store", "engine.jobs", "engine.logs", "engine.storage", "engine.environments")
"""Packages that know the model and their own base, never each other."""


@dataclass(frozen=True)
class Import:
    """One imported module or name, and where."""

    target: str
    line: int
    at_import: bool
    """Whether it happens when the module is imported, not later in a function."""


@dataclass(frozen=True)
class Module:
    """A source file."""

    name: str
    path: Path
    text: str

    def __str__(self) -> str:
        return self.name

    def inside(self, *packages: str) -> bool:
        return any(self.name == one or self.name.startswith(f"{one}.") for one in packages)

    @cache  # noqa: B019
    def imports(self) -> tuple[Import, ...]:
        """What it imports, type-checking blocks left out."""
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        return tuple(_imports(ast.parse(self.text), package.split("."), at_import=True))


def _imports(node: ast.AST, package: list[str], at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names):
                yield from (Import(one.name, child.lineno, at_import) for one in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                around = package[: len(package) + 1 - level] if level else []
                start = ".".join([*around, *([module] if module else [])])
                for one in names:
                    yield Import(f"{start}.{one.name}", child.lineno, at_import)
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=orelse):
                for line in orelse:
                    yield from _imports(line, package, at_import)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from _imports(child, package, at_import=False)
            case _:
                yield from _imports(child, package, at_import)


@cache
def modules(*packages: str) -> tuple[Module, ...]:
    found = []
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts).removesuffix(".__init__")
            found.append(Module(name, path, path.read_text(encoding="utf-8")))
    return tuple(found)


HOUSE = ("engine", "pipetui")


def of(target: str, *packages: str) -> bool:
    return any(target == one or target.startswith(f"{one}.") for one in packages)


def broken(found: Iterator[tuple[Module, Import]]) -> list[str]:
    return [f"{module}:{one.line} imports {one.target}" for module, one in found]


# Law 1


def test_the_engine_knows_no_user_interface() -> None:
    assert not broken(
        (module, one)
        for module in modules("engine")
        for one in module.imports()
        if of(one.target, "pipetui", "textual", "rich")
    )


def test_the_user_interface_sees_of_the_engine_its_api_and_errors_alone() -> None:
    assert not broken(
        (module, one)
        for module in modules("pipetui")
        for one in module.imports()
        if of(one.target, "engine") and not of(one.target, "engine.api", "engine.errors")
    )


# Law 2


def test_what_was_written_and_what_happened_know_nothing_above_them() -> None:
    below = {
        "engine.definition": ("engine.definition", "engine.errors"),
        "engine.model": ("engine.model", "engine.errors"),
        "engine.planning": (
            "engine.planning",
            "engine.definition",
            "engine.model",
            "engine.errors",
        ),
    }
    assert not broken(
        (module, one)
        for package, allowed in below.items()
        for module in modules("engine")
        for one in module.imports()
        if module.inside(package) and of(one.target, "engine") and not of(one.target, *allowed)
    )


def test_store_jobs_logs_storage_and_environments_never_know_each_other() -> None:
    allowed = ("engine.model", "engine.errors", "engine.clock", "engine.ids")
    assert not broken(
        (module, one)
        for own in LEAVES
        for module in modules("engine")
        for one in module.imports()
        if module.inside(own) and of(one.target, "engine") and not of(one.target, own, *allowed)
    )


def test_observers_and_queues_know_what_they_are_told_and_nothing_else() -> None:
    allowed = {
        "engine.observers": ("engine.config", "engine.delivery"),
        "engine.queues": ("engine.clock",),
        "engine.delivery": (),
    }
    everywhere = ("engine.errors", "engine.whole_file")
    assert not broken(
        (module, one)
        for own, others in allowed.items()
        for module in modules("engine")
        for one in module.imports()
        if module.inside(own)
        and of(one.target, "engine")
        and not of(one.target, own, *others, *everywhere)
    )


def test_nothing_below_the_runner_knows_it() -> None:
    above = ("engine.runner", "engine.sources", "engine.api", "engine.endpoint")
    lower = (*LEAVES, *PURE, "engine.steps", "engine.registry")
    assert not broken(
        (module, one)
        for module in modules("engine")
        for one in module.imports()
        if module.inside(*lower) and of(one.target, *above)
    )


# Law 3


def test_pure_packages_are_given_values() -> None:
    assert not broken(
        (module, one)
        for module in modules(*HOUSE)
        for one in module.imports()
        if module.inside(*PURE) and one.target.split(".")[0] in IMPURE
    )


# Law 4


@pytest.mark.parametrize(
    "program",
    [
        "import engine.api",
        "import pipetui.cli",
        "import engine.runner.main",
        "import engine.errors",
    ],
)
def test_what_starts_first_loads_nothing_slow(program: str) -> None:
    told = _child(f"{program}; import sys; print(*sys.modules)")
    assert not {name for name in told.split() if of(name, *SLOW)}


def test_the_help_of_the_command_line_loads_no_interface_and_no_aws() -> None:
    told = _child(
        "import sys\n"
        "from pipetui.cli import main\n"
        "sys.argv = ['pipetui', '--help']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "print('MODULES', *sys.modules)\n"
    )
    loaded = told.rpartition("MODULES")[2].split()
    assert "pipetui.cli" in loaded
    assert not {name for name in loaded if of(name, *SLOW)}


def test_an_observer_is_loaded_when_the_configuration_asks_for_it() -> None:
    told = _child("import engine.runner.main; import sys; print(*sys.modules)")
    assert {name for name in told.split() if of(name, "engine.observers")} == {
        "engine.observers",
        "engine.observers.base",
        "engine.observers.discovery",
    }


def _child(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_slow_libraries_are_imported_where_they_are_needed() -> None:
    """Modules that are nothing but a face of such a library may import it at once."""
    assert not broken(
        (module, one)
        for module in modules("engine")
        for one in module.imports()
        if one.at_import
        and of(one.target, *SLOW, "watchfiles", "ruamel", "psutil")
        and not module.inside("engine.endpoint", "engine.environments.algorithms")
    )


# Law 5


def test_what_outlives_the_runner_is_a_small_shell_script() -> None:
    shims = sorted((ROOT / "engine" / "jobs").glob("*.sh"))
    assert shims
    for shim in shims:
        assert "python" not in shim.read_text(encoding="utf-8").lower()


# Law 6


def test_no_modules_import_each_other_in_a_circle() -> None:
    names = {module.name for module in modules(*HOUSE)}
    graph = {
        module.name: {
            known
            for one in module.imports()
            if (known := _module_of(one.target, names)) and known != module.name and one.at_import
        }
        for module in modules(*HOUSE)
    }
    assert not _circle(graph)


def _module_of(target: str, names: set[str]) -> str | None:
    """The module that an import of ``target``, a module or a name in one, leads to."""
    if target in names:
        return target
    parent = target.rpartition(".")[0]
    return parent if parent in names else None


def _circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that are left when those without imports are taken away again and again."""
    left = {name: set(targets) for name, targets in graph.items()}
    while free := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def test_a_circle_is_found() -> None:
    assert _circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


# Style


@pytest.mark.parametrize("module", modules(*HOUSE), ids=str)
def test_no_module_is_longer_than_one_can_hold_in_mind(module: Module) -> None:
    assert module.text.count("\n") <= LONGEST


def test_every_module_says_what_it_is() -> None:
    """Empty ones have nothing to say."""
    assert not [
        module.name
        for module in modules(*HOUSE)
        if module.text.strip() and not ast.get_docstring(ast.parse(module.text))
    ]


def test_tests_wait_for_what_happens_never_for_time_to_pass() -> None:
    sleepers = [
        f"{module}:{node.lineno}"
        for module in modules("tests")
        for node in ast.walk(ast.parse(module.text))
        if isinstance(node, ast.Attribute)
        and node.attr == "sleep"
        and isinstance(node.value, ast.Name)
        and node.value.id == "time"
    ]
    assert not sleepers


def error_codes() -> dict[str, list[str]]:
    """Each kind of error anywhere, with the codes its class states."""
    known = {
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, errors.PipetuiError)
    }
    return {
        f"{module}.{node.name}": [
            line.value.value
            for line in node.body
            if isinstance(line, ast.Assign | ast.AnnAssign)
            and "default_code" in ast.unparse(line)
            and isinstance(line.value, ast.Constant)
            and isinstance(line.value.value, str)
        ]
        for module in modules(*HOUSE)
        for node in ast.walk(ast.parse(module.text))
        if isinstance(node, ast.ClassDef)
        and (
            (module.name == "engine.errors" and node.name in known)
            or known & {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        )
    }


def test_every_kind_of_error_has_one_code_that_no_other_has() -> None:
    codes = error_codes()
    assert len(codes) > 10
    assert {kind for kind, stated in codes.items() if len(stated) != 1} == set()
    stated = [code for (code,) in codes.values()]
    assert sorted(set(stated)) == sorted(stated)


def test_the_codes_of_the_errors_are_what_others_rely_on() -> None:
    """Scripts compare them: a code that changes breaks somebody."""
    assert {
        code for kind, (code,) in error_codes().items() if kind.startswith("engine.errors.")
    } == {
        "command-rejected",
        "config-invalid",
        "definition-invalid",
        "environment-error",
        "error",
        "expression-unresolved",
        "job-error",
        "lease-stale",
        "not-found",
        "plan-impossible",
        "source-error",
        "start-refused",
        "storage-error",
        "store-error",
    }


def test_every_code_is_written_in_small_letters_and_hyphens() -> None:
    wrong = [
        f"{module}:{node.lineno} {value.value!r}"
        for module in modules(*HOUSE)
        for node in ast.walk(ast.parse(module.text))
        if isinstance(node, ast.keyword) and node.arg == "code"
        for value in [node.value]
        if isinstance(value, ast.Constant)
        and isinstance(value.value, str)
        and value.value
        and not all(part.isalnum() and part.islower() for part in value.value.split("-"))
    ]
    assert not wrong


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git work tree")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """Neither where the work tree lay, nor which mirror packages came from."""
    bad = [f"/{folder}/" for folder in ("work/main", "work/shared", "home/runner")]
    bad += ["index" + "-url = ", "artifactory", "jfrog" + ".io", "pypi" + ".internal"]
    found = []
    for file in tracked():
        if not file.is_file() or file == Path(__file__):
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{file.relative_to(ROOT)}: {one}" for one in bad if one in text]
    assert not found
