"""Podman with an image out of the host's own programs, and what containers there are of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

IMAGE = "localhost/pipetui-serving:latest"
CLOSED = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
"""The same image, under the name of an algorithm that exists only on AWS."""
PERL = "/usr/lib/x86_64-linux-gnu/perl-base"
PROGRAMS = ("/usr/bin/perl", "/bin/sh", "/bin/cat", "/bin/sleep")
# /ping and /invocations as SageMaker asks a container: each number times the model's factor
SERVE = r"""#!/usr/bin/perl
use IO::Socket::INET;
$SIG{TERM} = sub { exit 0 };
sleep 600 if $ENV{SLOW};
die "no weights here" unless $ENV{BROKEN} eq "" and -d "/opt/ml/model";
open(F, "/opt/ml/model/factor"); my $factor = <F>;
my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1);
print "serving with $factor in batch '$ENV{SAGEMAKER_BATCH}'\n"; $| = 1;
if ($ENV{FETCH}) {
    my ($host) = $ENV{AWS_ENDPOINT_URL} =~ m|//(.*)|;
    my $e = IO::Socket::INET->new(PeerAddr => $host) or die "no endpoint at $host: $!";
    print $e "GET $ENV{FETCH} HTTP/1.0\r\nAuthorization: AWS $ENV{AWS_ACCESS_KEY_ID}:x\r\n\r\n";
    while (<$e>) { last if /^\r?$/ } print "fetched $_" while <$e>;
}
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
TRAIN = """#!/bin/sh
echo trained in the image
echo 3 >/opt/ml/model/factor
"""


class Podman:
    """The tool, and its containers of the image."""

    def __init__(self, tool: str) -> None:
        self.tool = tool

    def names(self) -> list[str]:
        """The containers that are there, also those that have ended."""
        filters = [word for image in (IMAGE, CLOSED) for word in ("--filter", f"ancestor={image}")]
        return self._said("ps", "--all", *filters, "--format", "{{.Names}}").split()

    @asynccontextmanager
    async def starts(self) -> AsyncIterator[AsyncIterator[str]]:
        """The name of each container of the image that starts from now on, as it does."""
        process = await asyncio.create_subprocess_exec(
            *(self.tool, "events", "--since", str(int(time.time())), "--filter", "event=start"),
            *("--format", "{{.Image}} {{.Name}}"),
            stdout=asyncio.subprocess.PIPE,
        )
        started = self._started(process)
        try:
            yield started
        finally:
            await started.aclose()
            process.kill()
            await process.communicate()

    async def _started(self, process: asyncio.subprocess.Process) -> AsyncGenerator[str, None]:
        assert process.stdout is not None
        while line := (await process.stdout.readline()).decode():
            image, name = line.split()
            if image == IMAGE:
                yield name

    def _said(self, *arguments: str) -> str:
        words = [self.tool, *arguments]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """Podman, with an image that serves and trains; skips where it cannot run."""
    tool = shutil.which("podman")
    if tool is None or os.geteuid() != 0 or not Path(PERL).is_dir():
        pytest.skip("needs root, podman and Debian's perl-base")
    folder = tmp_path_factory.mktemp("image")
    settings = folder / "containers.conf"
    settings.write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:20000", "nproc=1000:1000"]\n'
        '[engine]\nruntime = "runc"\n'
    )
    _pack(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINERS_CONF", str(settings))
        _run(tool, "import", str(folder / "root.tar"), IMAGE)
        _run(tool, "tag", IMAGE, CLOSED)
        trial = [tool, "run", "--rm", "-p", "127.0.0.1::8080", IMAGE, "sh", "-c", "exit 7"]
        tried = subprocess.run(trial, capture_output=True, text=True)
        if tried.returncode != 7:
            pytest.skip(f"no container can publish a port: {tried.stderr}")
        yield Podman(tool)
        _run(tool, "rmi", "--force", IMAGE, CLOSED)


@pytest.fixture
def left(podman: Podman) -> Iterator[Podman]:
    """Podman; none of PipeTUI's containers is left at the end of a test."""
    yield podman
    assert podman.names() == []


def _pack(folder: Path) -> None:
    """The root file system of the image."""
    with tarfile.open(folder / "root.tar", "w") as tar:
        for name, text in (("serve", SERVE), ("train", TRAIN)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
            tar.add(folder / name, f"/usr/local/bin/{name}")
        tar.add(PERL, PERL)
        listed = subprocess.run(["ldd", *PROGRAMS], check=True, capture_output=True, text=True)
        libraries = (word for word in listed.stdout.split() if word[0] == "/" and word[-1] != ":")
        for path in {*PROGRAMS, *libraries}:
            tar.add(os.path.realpath(path), path)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
