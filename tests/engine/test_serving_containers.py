"""Models served by real containers: how they are started, asked and ended, and what is left."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.jobs.attempt import read_claim
from engine.model.commands import StopExecution
from engine.model.status import StepStatus
from engine.serving.endpoints import delete_endpoint, find_endpoint, invoke, stop_endpoint
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.serving import container, model_step, pack_model, transform_step
from tests.engine.test_endpoints import NAME, endpoint_steps

pytestmark = pytest.mark.container
IMAGE = "localhost/pipetui-serving:latest"
PERL = "/usr/lib/x86_64-linux-gnu/perl-base"
# /ping and /invocations as SageMaker asks a container: each number times the model's factor
SERVE = r"""#!/usr/bin/perl
use IO::Socket::INET;
$SIG{TERM} = sub { exit 0 };
sleep 600 if $ENV{SLOW};
die "no weights here" unless $ENV{BROKEN} eq "" and -d "/opt/ml/model";
open(F, "/opt/ml/model/factor"); my $factor = <F>;
my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1);
print "serving with $factor in batch '$ENV{SAGEMAKER_BATCH}'\n"; $| = 1;
while (my $c = $s->accept) {
    my $what = <$c>; my $length = 0;
    while (my $line = <$c>) {
        last if $line =~ /^\r?$/; $length = $1 if $line =~ /^content-length: (\d+)/i;
    }
    my $body = ""; read($c, $body, $length) if $length;
    my ($status, $answer) = ("404 No", "");
    ($status, $answer) = ("200 OK", "") if $what =~ m|^GET /ping|;
    ($status, $answer) = ("200 OK", join("", map { $_ * $factor . "\n" } split /\n/, $body))
        if $what =~ m|^POST /invocations|;
    print $c "HTTP/1.1 $status\r\nContent-Type: text/csv\r\nContent-Length: "
        . length($answer) . "\r\nConnection: close\r\n\r\n$answer";
    close $c;
}
"""


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Podman, with an image that serves; skips where it cannot run."""
    tool = shutil.which("podman")
    if tool is None or os.geteuid() != 0 or not Path(PERL).is_dir():
        pytest.skip("needs root, podman and Debian's perl-base")
    folder = tmp_path_factory.mktemp("image")
    settings = folder / "containers.conf"
    settings.write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:20000", "nproc=1000:1000"]\n'
        '[engine]\nruntime = "runc"\n'
    )
    (folder / "serve").write_text(SERVE)
    (folder / "serve").chmod(0o755)
    with tarfile.open(folder / "root.tar", "w") as tar:
        tar.add(folder / "serve", "/usr/local/bin/serve")
        tar.add(PERL, PERL)
        programs = ("/usr/bin/perl", "/bin/sh")
        listed = subprocess.run(["ldd", *programs], check=True, capture_output=True, text=True)
        libraries = (word for word in listed.stdout.split() if word[0] == "/" and word[-1] != ":")
        for path in {*programs, *libraries}:
            tar.add(os.path.realpath(path), path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINERS_CONF", str(settings))
        subprocess.run(
            [tool, "import", folder / "root.tar", IMAGE], check=True, capture_output=True
        )
        trial = [tool, "run", "--rm", "-p", "127.0.0.1::8080", IMAGE, "sh", "-c", "exit 7"]
        tried = subprocess.run(trial, capture_output=True, text=True)
        if tried.returncode != 7:
            pytest.skip(f"no container can publish a port: {tried.stderr}")
        yield tool
        subprocess.run([tool, "rmi", "--force", IMAGE], check=True, capture_output=True)


@pytest.fixture
def left(podman: str) -> Iterator[Any]:
    """The names of PipeTUI's containers that are there; none is left at the end of a test."""

    def names() -> list[str]:
        words = [podman, "ps", "--all", "--filter", f"ancestor={IMAGE}", "--format", "{{.Names}}"]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()

    yield names
    assert names() == []


@pytest.fixture
def containers(embedded: Embedded, left: Any) -> Embedded:
    embedded.home.config.write_text('[jobs]\nrunner = "container"\ngrace_s = 2\n')
    embedded.put("s3://bucket/in/a.csv", "1\n2\n")
    return embedded


def scale(embedded: Embedded, factor: str, **variables: str) -> dict[str, Any]:
    uri = pack_model(embedded.home, f"s3://bucket/{factor}/model.tar.gz", "", factor=factor)
    return container(uri, IMAGE, **variables)


def score(**more: Any) -> dict[str, Any]:
    return transform_step("Score", "Make", "s3://bucket/in/", "s3://bucket/out", **more)


async def test_a_transform_asks_the_models_container(containers: Embedded) -> None:
    model = model_step("Make", scale(containers, "3"))
    view = (await containers.run(definition(model, score()))).steps["Score"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert containers.get("s3://bucket/out/a.csv.out") == "3\n6\n"
    assert "serving with 3 in batch 'true'" in containers.log(view)
    assert view.environment["Kind"] == "container"
    assert view.environment["Image"] == IMAGE


async def test_containers_in_series_are_asked_one_after_the_other(containers: Embedded) -> None:
    model = model_step("Make", scale(containers, "3"), scale(containers, "5"))
    view = (await containers.run(definition(model, score()))).steps["Score"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert containers.get("s3://bucket/out/a.csv.out") == "15\n30\n"


async def test_a_container_that_does_not_serve_fails_the_step_with_its_words(
    containers: Embedded,
) -> None:
    model = model_step("Make", scale(containers, "3", BROKEN="yes"))
    view = (await containers.run(definition(model, score()))).steps["Score"]
    assert view.status is StepStatus.FAILED
    assert "the container of model" in view.failure_reason
    assert "no weights here" in view.failure_reason


async def test_no_container_is_left_of_a_transform_that_is_killed_or_stopped(
    containers: Embedded, left: Any
) -> None:
    model = model_step("Make", scale(containers, "3", SLOW="yes"))
    execution = await containers.create(definition(model, score()))
    running = asyncio.create_task(containers.go_on(execution))
    killed = await there(left, set())
    (pid,) = containers.home.root.rglob("pid")
    claim = read_claim(str(pid.parent))
    assert claim is not None
    os.killpg(claim.pid, signal.SIGKILL)
    # A job that is lost runs again.
    again = await there(left, killed)
    assert not killed & again
    await containers.send(execution, StopExecution())
    assert (await running).steps["Score"].status is StepStatus.STOPPED
    assert left() == []


async def there(left: Any, before: set[str]) -> set[str]:
    """The containers' names once there are others than before."""
    while not (names := set(await asyncio.to_thread(left))) - before:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return names


async def test_an_endpoint_of_containers_outlives_the_run_and_is_stopped(
    containers: Embedded, left: Any
) -> None:
    state = await containers.run(definition(*endpoint_steps(scale(containers, "3"))))
    assert state.steps["Serve"].status is StepStatus.SUCCEEDED, state.steps["Serve"].failure_reason
    assert "containers" in state.steps["Serve"].stand_in
    home = containers.home.root
    answer = await asyncio.to_thread(invoke, home, NAME, b"2\n7", content_type="text/csv")
    assert (answer.status, answer.body) == (200, b"6\n21\n")
    # An update takes its place, and the former revision's container is gone.
    first = left()
    await containers.run(definition(*endpoint_steps(scale(containers, "4"), config="next")))
    assert len(left()) == 1 and left() != first
    answer = await asyncio.to_thread(invoke, home, NAME, b"2", content_type="text/csv")
    assert answer.body == b"8\n"
    stopped = await stop_endpoint(home, NAME)
    assert stopped.status == "Stopped" and left() == []
    await delete_endpoint(home, NAME)


async def test_a_killed_endpoints_container_goes_with_the_endpoint(
    containers: Embedded, left: Any
) -> None:
    await containers.run(definition(*endpoint_steps(scale(containers, "3"))))
    home = containers.home.root
    os.killpg(find_endpoint(home, NAME).pid, signal.SIGKILL)
    assert len(left()) == 1
    await delete_endpoint(home, NAME)
    assert left() == []


async def test_pipetuis_own_programs_run_on_the_host_beside_containers(
    containers: Embedded,
) -> None:
    containers.put("s3://bucket/say.sh", "#!/bin/sh\necho from the host\n")
    jar = {"Jar": "script-runner.jar", "Args": ["s3://bucket/say.sh"]}
    emr = {
        "Name": "Say",
        "Type": "EMR",
        "Arguments": {"ClusterId": "j-1", "StepConfig": {"HadoopJarStep": jar}},
    }
    job = processing("Own", "test -x /usr/local/bin/serve && echo from the image")
    job["Arguments"]["AppSpecification"]["ImageUri"] = IMAGE
    steps = (await containers.run(definition(emr, job))).steps
    assert {one.status for one in steps.values()} == {StepStatus.SUCCEEDED}
    assert containers.log(steps["Say"]) == "from the host\n"
    assert containers.log(steps["Own"]) == "from the image\n"
    assert steps["Own"].environment["Runner"] == "container"
    assert steps["Say"].environment["Runner"] in ("namespace", "rewrite")
