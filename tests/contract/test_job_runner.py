"""What every job runner promises, tried on each one that works on this host."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import JobError
from engine.jobs import identity, ladder, processes
from engine.jobs.base import Finished, Gone, Job, Mount, Running
from tests.contract.job_bench import (
    PATIENCE_S,
    PODMAN_OPTIONS,
    ROOT,
    Bench,
    Fifos,
    bench,
    fifos,
    image,
    log,
    probe,
    read,
    write,
)

__all__ = ["bench", "fifos", "image", "probe"]


@pytest.mark.parametrize("code", [0, 3, 255])
async def test_exit_code_comes_back(bench: Bench, code: int) -> None:
    handle = await bench.runner.start(bench.script(f"exit {code}"))
    end = await bench.runner.wait(handle)
    assert (end.code, end.signal, end.lost, end.stopped) == (code, None, False, False)
    assert end.ok is (code == 0)
    assert end.ended_at is not None


async def test_handle_is_plain_json(bench: Bench) -> None:
    handle = await bench.runner.start(bench.script("exit 4"))
    assert (await bench.runner.wait(json.loads(json.dumps(handle)))).code == 4


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
async def test_death_by_signal_is_told_from_an_exit(bench: Bench, number: int) -> None:
    # In a container the shell is process 1, which the kernel shields from its own signals.
    job = bench.script(f"sh -c 'kill -{int(number)} $$'; exit $?")
    end = await bench.runner.wait(await bench.runner.start(job))
    assert (end.code, end.signal) == (None, number)
    assert signal.Signals(number).name in end.describe()


async def test_the_job_itself_dying_by_signal(bench: Bench) -> None:
    if bench.name == "container":
        pytest.skip("process 1 of a container cannot kill itself")
    end = await bench.runner.wait(await bench.runner.start(bench.script("kill -9 $$")))
    assert (end.code, end.signal) == (None, signal.SIGKILL)


async def test_output_flood_lands_in_the_file_complete(bench: Bench) -> None:
    job = bench.job("head", "-c", "50000000", "/dev/zero")
    assert (await bench.runner.wait(await bench.runner.start(job))).ok
    found = os.stat(f"{job.directory}/job.log")
    assert (found.st_size, found.st_mode & 0o777) == (50_000_000, 0o600)


async def test_both_outputs_keep_their_bytes_and_order(bench: Bench) -> None:
    job = bench.script(r"printf '\377\376\n'; printf '\000x\n' >&2; printf 'end'")
    await bench.runner.wait(await bench.runner.start(job))
    if bench.name == "container":
        assert sorted(log(job)) == sorted(b"\xff\xfe\n\0x\nend")
    else:
        assert log(job) == b"\xff\xfe\n\0x\nend"


async def test_standard_input_is_empty(bench: Bench) -> None:
    job = bench.job("cat")
    assert (await bench.runner.wait(await bench.runner.start(job))).ok
    assert log(job) == b""


async def test_stop_lets_the_job_clean_up(bench: Bench, fifos: Fifos) -> None:
    job = bench.script(
        "trap 'echo saved >model; exit 9' TERM; echo >ready; while :; do read x <never; done"
    )
    ready, _ = fifos.ear(job, "ready"), fifos.gate(job, "never")
    handle = await bench.runner.start(job)
    await ready.heard()
    await bench.runner.stop(handle, PATIENCE_S)
    end = await bench.runner.wait(handle)
    assert (end.code, end.stopped, end.ok) == (9, True, False)
    assert read(job, "model") == "saved\n"


async def test_stop_kills_a_job_that_ignores_sigterm(bench: Bench, fifos: Fifos) -> None:
    job = bench.script("trap '' TERM; exec 3>alive; echo >ready; while :; do sleep 1000; done")
    ready, alive = fifos.ear(job, "ready"), fifos.ear(job, "alive")
    handle = await bench.runner.start(job)
    await ready.heard()
    await bench.runner.stop(handle, 0.05)
    end = await bench.runner.wait(handle)
    assert (end.signal, end.stopped, end.lost) == (signal.SIGKILL, True, False)
    assert await alive.heard() == b""


async def test_stop_twice_and_after_the_end_does_nothing(bench: Bench, fifos: Fifos) -> None:
    job = bench.script("echo >ready; exec sleep 1000")
    ready = fifos.ear(job, "ready")
    handle = await bench.runner.start(job)
    await ready.heard()
    await asyncio.gather(bench.runner.stop(handle, 0.05), bench.runner.stop(handle, 0.05))
    await bench.runner.stop(handle, 0.05)
    assert (await bench.runner.wait(handle)).stopped


async def test_stop_of_a_finished_job_does_not_change_its_end(bench: Bench) -> None:
    handle = await bench.runner.start(bench.script("exit 5"))
    end = await bench.runner.wait(handle)
    await bench.runner.stop(handle, 1)
    assert (end.code, end.stopped) == (5, False)


async def test_stop_right_after_the_start(bench: Bench) -> None:
    handle = await bench.runner.start(bench.script("exec sleep 1000"))
    await bench.runner.stop(handle, 0.2)
    assert (await bench.runner.wait(handle)).stopped


async def test_child_in_the_background_does_not_outlive_the_job(bench: Bench, fifos: Fifos) -> None:
    job = bench.script("exec 3>alive; sleep 1000 & exit 0")
    alive = fifos.ear(job, "alive")
    assert (await bench.runner.wait(await bench.runner.start(job))).ok
    assert await alive.heard() == b""


async def test_child_in_a_session_of_its_own_does_not_outlive_the_job(
    bench: Bench, fifos: Fifos, probe: ladder.Probe
) -> None:
    if bench.name != "namespace" or not probe.findings["namespace"].detail["contained"]:
        pytest.skip("only a PID namespace holds such a child")
    job = bench.script("exec 3>alive; setsid sleep 1000 & read x <go")
    alive, go = fifos.ear(job, "alive"), fifos.gate(job, "go")
    handle = await bench.runner.start(job)
    go.open()
    assert (await bench.runner.wait(handle)).ok
    assert await alive.heard() == b""


async def test_stop_reaches_a_child_in_a_session_of_its_own(bench: Bench, fifos: Fifos) -> None:
    if bench.name == "container":
        pytest.skip("a container ends all of its processes by itself")
    job = bench.script("exec 3>alive; setsid sh -c 'trap \"\" TERM; echo >ready; sleep 1000'")
    alive, ready = fifos.ear(job, "alive"), fifos.ear(job, "ready")
    handle = await bench.runner.start(job)
    await ready.heard()
    await bench.runner.stop(handle, PATIENCE_S)
    assert (await bench.runner.wait(handle)).stopped
    assert await alive.heard() == b""


async def test_environment_is_what_was_given(bench: Bench) -> None:
    given = {"HOME": "/h", "EMPTY": "", "TEXT": "a b\n'\"$x\\ ä", "stat": "1", "code": "2"}
    job = bench.job("cat", "/proc/self/environ", **given)
    await bench.runner.wait(await bench.runner.start(job))
    lines = log(job).decode().rstrip("\0").split("\0")
    seen = dict(line.split("=", 1) for line in lines)
    if bench.name == "container":
        assert seen.items() >= job.environment.items()
    else:
        assert seen == {**job.environment, "PIPETUI_JOB": job.id}


async def test_signals_have_their_default_actions(bench: Bench) -> None:
    job = bench.job("cat", "/proc/self/status")
    await bench.runner.wait(await bench.runner.start(job))
    fields = dict(line.split(":\t", 1) for line in log(job).decode().splitlines() if ":\t" in line)
    # Signals 32 and 33 belong to the C library, which does not let anyone reset them.
    assert int(fields["SigIgn"], 16) & ~(3 << 31) == 0
    assert int(fields["SigBlk"], 16) == 0


async def test_files_under_opt_ml_are_shared_both_ways(bench: Bench) -> None:
    if bench.name == "process":
        pytest.skip("a plain process has no /opt/ml")
    job = bench.script('cat "/opt/ml/input"; echo made >"/opt/ml/model"')
    write(job, "input", "given\n")
    assert (await bench.runner.wait(await bench.runner.start(job))).ok
    assert log(job) == b"given\n"
    assert read(job, "model") == "made\n"
    assert os.stat(f"{job.ml}/model").st_uid == os.geteuid()


async def test_hard_coded_opt_ml_works_or_is_explained(bench: Bench) -> None:
    if bench.name == "process":
        pytest.skip("a plain process has no /opt/ml")
    if bench.name == "rewrite" and "ml" in os.listdir("/opt"):
        pytest.skip("this host has an /opt/ml")
    job = bench.job("sh", "/opt/ml/train.sh")
    write(job, "train.sh", "cat /opt/ml/input/config/hyperparameters.json\n")
    write(job, "input/config/hyperparameters.json", "{}")
    end = await bench.runner.wait(await bench.runner.start(job))
    assert end.ok is (bench.name != "rewrite")
    assert ("/opt/ml" in end.note) is (bench.name == "rewrite")


async def test_the_hosts_own_opt_stays_visible(bench: Bench) -> None:
    if bench.name == "container":
        pytest.skip("a container has its own /opt")
    job = bench.job("ls", "-A", "/opt")
    await bench.runner.wait(await bench.runner.start(job))
    assert set(log(job).decode().split("\n")) - {"", "ml"} == set(os.listdir("/opt")) - {"ml"}


async def test_a_plain_process_refuses_a_job_that_needs_opt_ml(bench: Bench) -> None:
    if bench.name != "process":
        pytest.skip("only a plain process does")
    job = replace(bench.script("exit 0"), ml="/somewhere")
    with pytest.raises(JobError) as caught:
        await bench.runner.start(job)
    assert caught.value.code == "job-needs-opt-ml"


async def test_adoption_of_a_live_job_by_handle_and_by_directory_alone(
    bench: Bench, fifos: Fifos
) -> None:
    job = bench.script("echo >ready; read x <go; exit 6")
    ready, go = fifos.ear(job, "ready"), fifos.gate(job, "go")
    handle = await bench.runner.start(job)
    await ready.heard()
    assert bench.runner.adopt(handle, job.directory) == Running(handle)
    assert bench.runner.adopt(None, job.directory) == Running(handle)
    go.open()
    assert (await bench.runner.wait(handle)).code == 6


CALLER = """
import asyncio, json, sys
from engine.jobs import ladder
from engine.jobs.base import Job

async def main():
    cache, name, options, job = json.loads(sys.argv[1])
    runner = ladder.choose(await ladder.probe(cache), name, options)
    job["command"] = tuple(job["command"])
    print(json.dumps(await runner.start(Job(**job))), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("finished_meanwhile", [False, True])
@pytest.mark.parametrize("with_handle", [True, False])
async def test_job_outlives_a_caller_killed_by_sigkill(
    bench: Bench,
    probe: ladder.Probe,
    fifos: Fifos,
    finished_meanwhile: bool,
    with_handle: bool,
) -> None:
    job = bench.script("exec 3>alive; echo >ready; read x <go; exit 42")
    ready, go, alive = fifos.ear(job, "ready"), fifos.gate(job, "go"), fifos.ear(job, "alive")
    plain = {name: getattr(job, name) for name in Job.__dataclass_fields__}
    arguments = [f"{probe.scratch}/job-runners.json", bench.name, PODMAN_OPTIONS, plain]
    caller = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CALLER, json.dumps(arguments)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert caller.stdout is not None
    handle = json.loads(await caller.stdout.readline())
    await ready.heard()
    caller.kill()
    await caller.wait()

    supervisor = identity.ProcessIdentity.from_dict(handle)
    if finished_meanwhile:
        go.open()
        assert await alive.heard() == b""
        await processes.ended(supervisor)
    adopted = bench.runner.adopt(handle if with_handle else None, job.directory)
    if finished_meanwhile:
        assert isinstance(adopted, Finished)
        end = adopted.exit
    else:
        assert adopted == Running(handle)
        go.open()
        end = await bench.runner.wait(adopted.handle)
    assert (end.code, end.lost) == (42, False)


async def test_a_job_that_never_started_is_gone_for_good(bench: Bench) -> None:
    job = bench.script("echo ran")
    assert bench.runner.adopt(None, job.directory) == Gone()
    assert bench.runner.adopt(None, job.directory) == Gone()
    handle = await bench.runner.start(job)
    assert not (await bench.runner.wait(handle)).ok
    assert b"ran\n" not in log(job)


async def test_another_process_with_the_same_number_is_left_alone(bench: Bench) -> None:
    job = bench.script("exit 0")
    stranger = await asyncio.create_subprocess_exec("sleep", "1000", start_new_session=True)
    try:
        own = identity.of(stranger.pid)
        assert own is not None
        older = replace(own, start_ticks=own.start_ticks - 1)
        handle = {"runner": bench.name, "id": job.id, "directory": job.directory}
        for wrong in (older, replace(own, boot_id="another")):
            reused = {**handle, **wrong.as_dict()}
            assert bench.runner.adopt(reused, job.directory) == Gone()
            await bench.runner.stop(reused, 0)
            end = await bench.runner.wait(reused)
            assert not end.ok
        assert own.alive()
    finally:
        stranger.kill()
        await stranger.wait()


async def test_a_job_whose_supervisor_was_killed_is_never_a_success(
    bench: Bench, fifos: Fifos
) -> None:
    if bench.name == "container":
        pytest.skip("a container's exit code survives its supervisor")
    job = bench.script("exec 3>alive; echo >ready; read x <never")
    ready, alive, _ = fifos.ear(job, "ready"), fifos.ear(job, "alive"), fifos.gate(job, "never")
    handle = await bench.runner.start(job)
    await ready.heard()
    os.kill(handle["pid"], signal.SIGKILL)
    end = await bench.runner.wait(handle)
    assert end.lost and not end.ok and "lost" in end.describe()
    assert await alive.heard() == b""
    adopted = bench.runner.adopt(None, job.directory)
    assert isinstance(adopted, Finished) and adopted.exit.lost


async def test_a_container_outlives_its_supervisor(bench: Bench, fifos: Fifos) -> None:
    if bench.name != "container":
        pytest.skip("only a container does")
    job = bench.script("echo >ready; read x <go; exit 6")
    ready, go = fifos.ear(job, "ready"), fifos.gate(job, "go")
    handle = await bench.runner.start(job)
    await ready.heard()
    os.kill(handle["pid"], signal.SIGKILL)
    assert isinstance(bench.runner.adopt(handle, job.directory), Running)
    adopted = bench.runner.adopt(None, job.directory)
    assert isinstance(adopted, Running)
    waiting = asyncio.create_task(bench.runner.wait(adopted.handle))
    go.open()
    assert (await waiting).code == 6


async def test_twenty_jobs_at_once_keep_their_own_ends(bench: Bench) -> None:
    jobs = [bench.script(f"echo {number}; exit {number}") for number in range(20)]
    handles = await asyncio.gather(*map(bench.runner.start, jobs))
    ends = await asyncio.gather(*map(bench.runner.wait, handles))
    assert [end.code for end in ends] == list(range(20))
    assert [log(job) for job in jobs] == [f"{number}\n".encode() for number in range(20)]


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(arguments=st.lists(TEXT, max_size=4), value=TEXT)
def test_any_text_arrives_unchanged(bench: Bench, arguments: list[str], value: str) -> None:
    job = bench.job("sh", "-c", r'printf "%s\0" "$VALUE" "$@"', "sh", *arguments, VALUE=value)

    async def run() -> None:
        assert (await bench.runner.wait(await bench.runner.start(job))).ok

    asyncio.run(run())
    assert log(job).decode() == "".join(f"{text}\0" for text in (value, *arguments))


@pytest.mark.parametrize("command", [("no such program",), ("exit", "0"), ("/",)])
async def test_a_command_that_is_none_fails_with_a_line_in_the_log(
    bench: Bench, command: tuple[str, ...]
) -> None:
    job = bench.job(*command)
    end = await bench.runner.wait(await bench.runner.start(job))
    assert end.code in (126, 127) and "the command" in end.describe()
    assert command[0].encode() in log(job)


async def test_a_working_directory_that_cannot_be_entered_fails_with_a_line_in_the_log(
    bench: Bench,
) -> None:
    job = replace(bench.script("echo ran"), working_directory="/dev/null/missing")
    end = await bench.runner.wait(await bench.runner.start(job))
    assert end.code in (125, 126, 127)
    assert b"/dev/null" in log(job)
    assert b"ran\n" not in log(job)


async def test_cancelling_wait_leaves_the_job_alone_and_no_descriptor_behind(
    bench: Bench, fifos: Fifos
) -> None:
    job = bench.script("echo >ready; read x <go; exit 8")
    ready, go = fifos.ear(job, "ready"), fifos.gate(job, "go")
    handle = await bench.runner.start(job)
    await ready.heard()
    before = os.listdir("/proc/self/fd")
    waiting = asyncio.create_task(bench.runner.wait(handle))
    await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) == len(before) + 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(os.listdir("/proc/self/fd")) == len(before)
    go.open()
    assert (await bench.runner.wait(handle)).code == 8


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "with blank"},
        {"id": ""},
        {"directory": "relative"},
        {"directory": "/missing/directory"},
        {"command": ()},
        {"command": ("a\0b",)},
        {"environment": {"A.B": "x"}},
        {"environment": {"A=B": "x"}},
        {"working_directory": "relative"},
    ],
    ids=str,
)
async def test_what_cannot_be_started_is_refused_with_a_way_out(
    bench: Bench, wrong: dict[str, object]
) -> None:
    job = replace(bench.script("exit 0"), **wrong)  # type: ignore[arg-type]
    with pytest.raises(JobError) as caught:
        await bench.runner.start(job)
    assert caught.value.code in ("job-invalid", "job-not-started", "job-opt-ml-unavailable")
    assert caught.value.hint


async def test_every_recipe_of_this_host_shows_opt_ml_and_knows_the_hosts(
    probe: ladder.Probe, tmp_path: Path
) -> None:
    """All namespace recipes that enter at all, not only the best one."""
    from engine.jobs.namespace import NamespaceRunner, recipes

    tried = 0
    for number, recipe in enumerate(recipes()):
        runner = NamespaceRunner(recipe, tempfile.mkdtemp(dir=tmp_path))
        home = tmp_path / str(number)
        script = "echo made >/opt/ml/model; getent hosts algo-1 algo-2 >/opt/ml/names; exit 3"
        job = replace(Bench(runner, home).script(script), hosts=2)
        end = await runner.wait(await runner.start(job))
        if end.code == 3:
            tried += 1
            assert read(job, "model") == "made\n"
            names = [line.split() for line in read(job, "names").splitlines()]
            assert names == [["127.0.0.1", "algo-1"], ["127.0.0.2", "algo-2"]]
        else:
            assert not end.ok and not end.lost
    assert (tried > 0) is probe.findings["namespace"].works


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_mounted_folder_is_seen_below_opt_ml_and_sealed_where_it_is_asked_for(
    bench: Bench, read_only: bool
) -> None:
    if bench.name == "process":
        pytest.skip("a plain process sees no /opt/ml")
    shared = bench.home / "a share"
    shared.mkdir()
    (shared / "data").write_text("kept\n")
    job = bench.job("sh", "-c", 'cat "$1/data"; echo x > "$1/new"', "sh", "/opt/ml/in/fs")
    os.makedirs(f"{job.ml}/in/fs")
    mount = Mount(str(shared), "/opt/ml/in/fs", read_only)
    end = await bench.runner.wait(await bench.runner.start(replace(job, mounts=(mount,))))
    assert log(job).startswith(b"kept\n")
    sealed = read_only and bench.name != "rewrite"
    assert (end.code == 0) is not sealed
    assert (shared / "new").exists() is not sealed


async def test_what_comes_before_a_command_turns_into_it_and_knows_the_hosts_opt_ml(
    bench: Bench,
) -> None:
    ml = "." if bench.name == "process" else "/opt/ml"
    job = bench.script(f"cat {ml}/made; exit 3")
    first = ("sh", "-c", 'echo made > "$1"/made; shift; exec "$@"', "sh", ml)
    end = await bench.runner.wait(await bench.runner.start(replace(job, before=first)))
    assert end.code == 3
    assert b"made" in log(job)
