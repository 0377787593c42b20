"""Writes each sample's ``pipeline.json`` from its ``pipeline.py``, with the real SageMaker SDK.

Run it with a Python that has ``sagemaker==2.257.7`` (PipeTUI itself never imports the SDK)::

    python sample_pipelines/compile.py                 # every sample
    python sample_pipelines/compile.py hello --check   # compare instead of write

Nothing is sent anywhere: a hook answers every AWS request with an empty 200 before it leaves.

The SDK uploads code and writes its S3 URI (``s3://BUCKET/PIPELINE/code/SHA256/preprocess.py``) into
the definition. Those URIs, and only those, are then replaced by paths relative to the definition,
so that the sample runs in place and an edit of the script counts at once.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

SAMPLES = Path(__file__).resolve().parent
REGION = "us-east-1"
BUCKET = "pipetui-samples"
ROLE = "arn:aws:iam::123456789012:role/PipelineRole"

UPLOADED_CODE = re.compile(rf"s3://{BUCKET}/[^/]+/code/[0-9a-f]{{64}}/([\w.-]+)")
SOURCE_ARCHIVE = "sourcedir.tar.gz"


def offline_session() -> Any:
    """A ``PipelineSession`` whose every AWS request is answered here, with an empty 200."""
    import boto3
    from botocore.awsrequest import AWSResponse
    from sagemaker.workflow.pipeline_context import PipelineSession

    class EmptyBody:
        def stream(self, *_: Any, **__: Any) -> Any:
            return iter((b"",))

    class SampleSession(PipelineSession):
        def default_bucket(self) -> str:
            return BUCKET

    boto_session = boto3.Session(
        aws_access_key_id="sample", aws_secret_access_key="sample", region_name=REGION
    )
    boto_session.events.register(
        "before-send",
        lambda request, **_: AWSResponse(request.url, 200, {"Content-Length": "0"}, EmptyBody()),
    )
    quiet = {"SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
    return SampleSession(
        boto_session=boto_session,
        default_bucket=BUCKET,
        sagemaker_config={"SchemaVersion": "1.0"} | quiet,
    )


def load_pipeline_module(sample: Path) -> ModuleType:
    """The sample's ``pipeline.py``, imported under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"sample_{sample.name}", sample / "pipeline.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def relative_code(definition: str, source_dir: str) -> str:
    """The definition with uploaded code URIs replaced by ``code/FILE`` or the source folder."""

    def replace(match: re.Match[str]) -> str:
        return source_dir if match[1] == SOURCE_ARCHIVE else f"code/{match[1]}"

    return UPLOADED_CODE.sub(replace, definition)


def compile_sample(sample: Path) -> str:
    """The text of the sample's ``pipeline.json``."""
    module = load_pipeline_module(sample)
    pipeline = module.get_pipeline(REGION, role=ROLE, sagemaker_session=offline_session())
    definition = relative_code(pipeline.definition(), getattr(module, "SOURCE_DIR", ""))
    return json.dumps(json.loads(definition), indent=2) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sample", nargs="*", help="folder names; all that have a pipeline.py")
    parser.add_argument("--check", action="store_true", help="exit 1 where a file would change")
    options = parser.parse_args()
    os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
    names = options.sample or sorted(path.parent.name for path in SAMPLES.glob("*/pipeline.py"))
    stale = []
    for name in names:
        target = SAMPLES / name / "pipeline.json"
        text = compile_sample(target.parent)
        if options.check:
            stale += [name] if target.read_text() != text else []
        else:
            target.write_text(text)
    if stale:
        print("differs from its pipeline.py: " + ", ".join(stale), file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
