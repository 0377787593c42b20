"""The SageMaker API of a home, as boto3 uses it: real clients, a real server, real runs."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from engine.home import Home
from engine.sources.reader import LocalReader
from tests.engine.crash import until
from tests.engine.embedded import definition, processing
from tests.engine.test_registry import registering

pytestmark = pytest.mark.network

ROOT = Path(__file__).resolve().parents[2]
ROLE = "arn:aws:iam::000000000000:role/pipeline"
ENDED = {"Succeeded", "Failed", "Stopped"}
GATE = {
    "Name": "Gate",
    "Type": "Callback",
    "SqsQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q",
    "Arguments": {"Question": "Deploy?"},
    "OutputParameters": [{"OutputName": "Share", "OutputType": "Integer"}],
}


class Service:
    """A home that is served, and clients of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(folder / "home").prepare()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pipetui",
                "--home",
                str(self.home.root),
                "serve",
                "-o",
                "jsonl",
            ],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        self.variables: dict[str, str] = json.loads(self.process.stdout.readline())
        self.api = self.client("sagemaker")

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.variables["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
            region_name=self.variables["AWS_REGION"],
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    def create(self, *steps: Any, **more: Any) -> str:
        """Create a pipeline of these steps under a name of its own; returns the name."""
        name = more.pop("name", f"p-{uuid.uuid4().hex[:8]}")
        parameters = more.pop("parameters", ())
        text = json.dumps(definition(*steps, parameters=parameters))
        self.api.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=ROLE, **more)
        return str(name)

    def start(self, name: str, **more: Any) -> str:
        """Start an execution; returns its ARN."""
        return str(self.api.start_pipeline_execution(PipelineName=name, **more)[EXECUTION])

    def describe(self, arn: str) -> dict[str, Any]:
        return dict(self.api.describe_pipeline_execution(PipelineExecutionArn=arn))

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        found = self.api.list_pipeline_execution_steps(PipelineExecutionArn=arn)
        return {one["StepName"]: one for one in found["PipelineExecutionSteps"]}

    def end(self, arn: str) -> str:
        """Wait until an execution has ended; returns how."""
        until(lambda: self.describe(arn)["PipelineExecutionStatus"] in ENDED)
        return str(self.describe(arn)["PipelineExecutionStatus"])

    def token(self, arn: str) -> str:
        """The token of the step ``Gate``, as soon as it asks."""

        def asked() -> str:
            about = self.steps(arn).get("Gate", {}).get("Metadata", {}).get("Callback", {})
            return str(about.get("CallbackToken", ""))

        return until(asked)

    def close(self) -> None:
        assert self.process.stdout is not None
        self.process.terminate()
        assert self.process.wait() == 0
        self.process.stdout.close()


EXECUTION = "PipelineExecutionArn"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("service"))
    yield service
    service.close()


def decision(name: str = "Decide") -> dict[str, Any]:
    """A step that runs nothing."""
    arguments = {"Conditions": [], "IfSteps": [], "ElseSteps": []}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def refused(call: Any, **given: Any) -> ClientError:
    with pytest.raises(ClientError) as problem:
        call(**given)
    return problem.value


def code(problem: ClientError) -> str:
    return str(problem.response["Error"]["Code"])


# Executions


def test_a_callback_is_answered_with_typed_outputs(service: Service) -> None:
    share = {"Std:Join": {"On": "", "Values": [{"Get": "Steps.Gate.OutputParameters['Share']"}]}}
    use = processing("Use", "test $SHARE = 10", arguments={"Environment": {"SHARE": share}})
    arn = service.start(service.create(GATE, use))
    token = service.token(arn)
    assert code(
        refused(service.api.send_pipeline_execution_step_success, CallbackToken="0" * 10)
    ) == ("ResourceNotFound")
    answered = service.api.send_pipeline_execution_step_success(
        CallbackToken=token, OutputParameters=[{"Name": "Share", "Value": "10"}]
    )
    assert answered[EXECUTION] == arn
    assert service.end(arn) == "Succeeded"
    steps = service.steps(arn)
    assert list(steps) == ["Use", "Gate"], "the newest first"
    assert steps["Gate"]["Metadata"]["Callback"]["OutputParameters"] == [
        {"Name": "Share", "Value": "10"}
    ]
    assert steps["Use"]["Metadata"]["ProcessingJob"]["Arn"].startswith("arn:aws:sagemaker:")


def test_a_callback_that_fails_says_why(service: Service) -> None:
    arn = service.start(service.create(GATE))
    service.api.send_pipeline_execution_step_failure(
        CallbackToken=service.token(arn), FailureReason="not today"
    )
    assert service.end(arn) == "Failed"
    assert service.steps(arn)["Gate"]["FailureReason"] == "not today"


def test_an_execution_is_described_renamed_and_on_record_as_the_apis(service: Service) -> None:
    parameter = {"Name": "Depth", "Type": "Integer", "DefaultValue": 3}
    name = service.create(GATE, parameters=[parameter])
    arn = service.start(
        name,
        PipelineExecutionDisplayName="first",
        PipelineExecutionDescription="to see",
        PipelineParameters=[{"Name": "Depth", "Value": "5"}],
        ParallelismConfiguration={"MaxParallelExecutionSteps": 1},
    )
    about = service.describe(arn)
    assert about["PipelineExecutionDisplayName"] == "first"
    assert about["PipelineVersionId"] == 1
    assert about["CreatedBy"]["UserProfileName"].endswith(" by API")
    listed = service.api.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
    assert listed["PipelineParameters"] == [{"Name": "Depth", "Value": "5"}]
    text = service.api.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    assert json.loads(text["PipelineDefinition"])["Steps"][0]["Name"] == "Gate"
    service.api.update_pipeline_execution(
        PipelineExecutionArn=arn,
        PipelineExecutionDisplayName="second",
        ParallelismConfiguration={"MaxParallelExecutionSteps": 4},
    )
    service.api.send_pipeline_execution_step_failure(CallbackToken=service.token(arn))
    service.end(arn)
    service.api.update_pipeline_execution(
        PipelineExecutionArn=arn, PipelineExecutionDescription="seen"
    )
    about = service.describe(arn)
    assert about["PipelineExecutionDisplayName"] == "second"
    assert about["PipelineExecutionDescription"] == "seen"
    assert about["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 4}
    with closing(LocalReader(service.home)) as reader:
        events = reader.events(reader.execution(arn).id)
    actors = {one.kind: one.actor for one in events}
    for kind in ("ExecutionCreated", "ExecutionRenamed", "ParallelismChanged", "CallbackAnswered"):
        assert actors[kind].endswith(" by API"), kind


def test_a_failed_execution_is_retried_and_a_running_one_stopped(service: Service) -> None:
    fixed = service.folder / "fixed"
    arn = service.start(service.create(processing("Flaky", f"test -e {fixed}"), GATE))
    assert code(refused(service.api.retry_pipeline_execution, PipelineExecutionArn=arn)) == (
        "ConflictException"
    )
    service.api.send_pipeline_execution_step_success(
        CallbackToken=service.token(arn), OutputParameters=[{"Name": "Share", "Value": "1"}]
    )
    assert service.end(arn) == "Failed"
    fixed.touch()
    service.api.retry_pipeline_execution(PipelineExecutionArn=arn)
    assert service.end(arn) == "Succeeded"
    assert service.steps(arn)["Flaky"]["AttemptCount"] == 2
    slow = service.start(service.create(processing("Slow", "exec sleep 600")))
    until(lambda: service.steps(slow).get("Slow", {}).get("StepStatus") == "Executing")
    token = str(uuid.uuid4())
    for _ in range(2):
        service.api.stop_pipeline_execution(PipelineExecutionArn=slow, ClientRequestToken=token)
    assert service.end(slow) == "Stopped"
    service.api.stop_pipeline_execution(PipelineExecutionArn=slow, ClientRequestToken=token)
    problem = refused(service.api.stop_pipeline_execution, PipelineExecutionArn=slow)
    assert code(problem) == "ConflictException"


def test_selected_steps_take_the_rest_from_another_run(service: Service) -> None:
    name = service.create(processing("A", "true"), processing("B", "true", DependsOn=["A"]))
    first = service.start(name)
    assert service.end(first) == "Succeeded"
    second = service.start(
        name,
        SelectiveExecutionConfig={
            "SourcePipelineExecutionArn": first,
            "SelectedSteps": [{"StepName": "B"}],
        },
    )
    assert service.end(second) == "Succeeded"
    assert service.steps(second)["A"]["SelectiveExecutionResult"] == {
        "SourcePipelineExecutionArn": first
    }
    assert service.describe(second)["SelectiveExecutionConfig"]["SelectedSteps"] == [
        {"StepName": "B"}
    ]


# Pipelines and versions


def test_a_pipeline_is_created_updated_described_and_deleted(service: Service) -> None:
    name = service.create(decision("A"), PipelineDescription="first", PipelineDisplayName="Shown")
    api = service.api
    about = api.describe_pipeline(PipelineName=name)
    assert about["PipelineStatus"] == "Active"
    assert (about["PipelineDescription"], about["PipelineDisplayName"]) == ("first", "Shown")
    assert about["RoleArn"] == ROLE
    assert "LastRunTime" not in about
    same = json.dumps(definition(decision("A")), indent=2)
    assert api.update_pipeline(PipelineName=name, PipelineDefinition=same)["PipelineVersionId"] == 1
    other = json.dumps(definition(decision("B")))
    changed = api.update_pipeline(
        PipelineName=name,
        PipelineDefinition=other,
        ParallelismConfiguration={"MaxParallelExecutionSteps": 7},
    )
    assert changed["PipelineVersionId"] == 2
    api.update_pipeline_version(
        PipelineArn=about["PipelineArn"],
        PipelineVersionId=1,
        PipelineVersionDisplayName="good",
        PipelineVersionDescription="it worked",
    )
    old = api.describe_pipeline(PipelineName=name, PipelineVersionId=1)
    assert json.loads(old["PipelineDefinition"])["Steps"][0]["Name"] == "A"
    assert old["PipelineVersionDisplayName"] == "good"
    arn = service.start(name, PipelineVersionId=1)
    assert service.end(arn) == "Succeeded"
    assert list(service.steps(arn)) == ["A"]
    assert service.describe(arn)["PipelineVersionId"] == 1
    versions = api.list_pipeline_versions(PipelineName=name)["PipelineVersionSummaries"]
    assert [one["PipelineVersionId"] for one in versions] == [2, 1]
    assert versions[1]["LastExecutionPipelineExecutionArn"] == arn
    assert "LastRunTime" in api.describe_pipeline(PipelineName=name)
    api.delete_pipeline(PipelineName=name)
    assert code(refused(api.describe_pipeline, PipelineName=name)) == "ResourceNotFound"
    with pytest.raises(api.exceptions.ResourceNotFound):
        api.start_pipeline_execution(PipelineName=name)
    assert service.describe(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_a_pipeline_whose_execution_runs_is_not_deleted(service: Service) -> None:
    name = service.create(GATE)
    arn = service.start(name)
    with pytest.raises(service.api.exceptions.ConflictException):
        service.api.delete_pipeline(PipelineName=name)
    service.api.send_pipeline_execution_step_failure(CallbackToken=service.token(arn))
    service.end(arn)
    service.api.delete_pipeline(PipelineName=name)


def test_a_definition_may_lie_in_the_homes_s3(service: Service) -> None:
    text = json.dumps(definition(decision("Far")))
    service.client("s3").put_object(Bucket="definitions", Key="far.json", Body=text.encode())
    place = {"Bucket": "definitions", "ObjectKey": "far.json"}
    service.api.create_pipeline(
        PipelineName="far", PipelineDefinitionS3Location=place, RoleArn=ROLE
    )
    found = service.api.describe_pipeline(PipelineName="far")["PipelineDefinition"]
    assert json.loads(found)["Steps"][0]["Name"] == "Far"
    missing = {"Bucket": "definitions", "ObjectKey": "nothing.json"}
    problem = refused(
        service.api.create_pipeline,
        PipelineName="nothing",
        PipelineDefinitionS3Location=missing,
        RoleArn=ROLE,
    )
    assert code(problem) == "ValidationException"


def test_what_ran_from_a_yaml_file_is_a_pipeline_whose_definition_is_json(
    service: Service,
) -> None:
    file = service.folder / "written.yaml"
    file.write_text(
        "Version: '2020-12-01'\nSteps:\n- Name: Decide\n  Type: Condition\n"
        "  Arguments: {Conditions: [], IfSteps: [], ElseSteps: []}\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pipetui", "--home", str(service.home.root), "run", str(file)]
    subprocess.run([*command, "--detach"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    about = service.api.describe_pipeline(PipelineName="written")
    assert json.loads(about["PipelineDefinition"])["Steps"][0]["Name"] == "Decide"
    assert service.end(service.start("written")) == "Succeeded"


def raw(service: Service, operation: str, **given: Any) -> tuple[int, dict[str, Any]]:
    """A request with members that boto3 does not know yet."""
    host, port = service.variables["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
    scope = f"{service.variables['AWS_ACCESS_KEY_ID']}/20260101/us-east-1/sagemaker/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "X-Amz-Target": f"SageMaker.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
    }
    with closing(http.client.HTTPConnection(host, int(port))) as client:
        client.request("POST", "/", json.dumps(given), headers)
        answer = client.getresponse()
        return answer.status, json.loads(answer.read())


def test_aliases_are_given_taken_and_started_from(service: Service) -> None:
    name = service.create(decision("A"))
    arn = service.api.describe_pipeline(PipelineName=name)["PipelineArn"]
    other = json.dumps(definition(decision("B")))
    assert raw(
        service,
        "UpdatePipeline",
        PipelineName=name,
        PipelineDefinition=other,
        PipelineVersionAliases=["prod"],
    ) == (200, {"PipelineArn": arn, "PipelineVersionId": 2})
    again = {"PipelineName": name, "PipelineDefinition": other, "PipelineVersionAliases": ["x"]}
    assert raw(service, "UpdatePipeline", **again)[1]["__type"] == "ValidationException"
    version = {"PipelineArn": arn, "PipelineVersionId": 1}
    taken = raw(service, "UpdatePipelineVersion", **version, AliasOperations={"Add": ["prod"]})
    assert taken[1]["__type"] == "ConflictException"
    raw(
        service,
        "UpdatePipelineVersion",
        PipelineArn=arn,
        PipelineVersionId=2,
        AliasOperations={"Remove": ["prod"]},
    )
    raw(service, "UpdatePipelineVersion", **version, AliasOperations={"Add": ["prod", "v.1"]})
    started = raw(
        service,
        "StartPipelineExecution",
        PipelineName=name,
        PipelineVersionAlias="prod",
        ClientRequestToken="t" * 32,
    )
    assert service.end(started[1][EXECUTION]) == "Succeeded"
    assert service.describe(started[1][EXECUTION])["PipelineVersionId"] == 1
    listed = raw(service, "ListPipelineVersions", PipelineName=name)[1]
    [_, first] = listed["PipelineVersionSummaries"]
    assert first["PipelineVersionAliases"] == ["prod", "v.1"]
    assert isinstance(first["CreationTime"], float)
    assert "Local" not in first


# Tokens


def test_the_same_token_is_the_same_request(service: Service) -> None:
    name, token = f"p-{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    given = {
        "PipelineName": name,
        "PipelineDefinition": json.dumps(definition(decision())),
        "RoleArn": ROLE,
        "ClientRequestToken": token,
    }
    made = [service.api.create_pipeline(**given)["PipelineArn"] for _ in range(2)]
    assert made[0] == made[1]
    with pytest.raises(service.api.exceptions.ConflictException):
        service.api.create_pipeline(**{**given, "PipelineDescription": "another"})
    exists = refused(service.api.create_pipeline, **{**given, "ClientRequestToken": "o" * 40})
    assert code(exists) == "ValidationException"
    assert "already exists" in str(exists)
    start = {"PipelineName": name, "ClientRequestToken": str(uuid.uuid4())}
    with ThreadPoolExecutor(4) as threads:
        starts = [threads.submit(service.api.start_pipeline_execution, **start) for _ in range(4)]
    arns = [one.result()[EXECUTION] for one in starts]
    assert len(set(arns)) == 1
    service.end(arns[0])
    other = json.dumps(definition(decision("Other")))
    service.api.update_pipeline(PipelineName=name, PipelineDefinition=other)
    assert service.api.start_pipeline_execution(**start)[EXECUTION] == arns[0]
    with pytest.raises(service.api.exceptions.ConflictException):
        service.api.start_pipeline_execution(**start, PipelineExecutionDescription="other")
    service.api.delete_pipeline(PipelineName=name, ClientRequestToken="d" * 32)
    gone = service.api.delete_pipeline(PipelineName=name, ClientRequestToken="d" * 32)
    assert gone["PipelineArn"] == made[0]


# Lists


def test_lists_come_in_pages_sorted_and_filtered(service: Service) -> None:
    prefix = f"page-{uuid.uuid4().hex[:6]}"
    names = [service.create(decision(), name=f"{prefix}-{n}") for n in range(5)]
    paginator = service.api.get_paginator("list_pipelines")
    pages = list(
        paginator.paginate(
            PipelineNamePrefix=prefix, SortBy="Name", SortOrder="Ascending",
            PaginationConfig={"PageSize": 2},
        )
    )  # fmt: skip
    assert [len(one["PipelineSummaries"]) for one in pages] == [2, 2, 1]
    assert [each["PipelineName"] for one in pages for each in one["PipelineSummaries"]] == names
    listed = service.api.list_pipelines(PipelineNamePrefix=prefix)["PipelineSummaries"]
    assert [one["PipelineName"] for one in listed] == names[::-1]
    moment = listed[2]["CreationTime"]
    for member, wanted in (("CreatedAfter", names[3:][::-1]), ("CreatedBefore", names[:2][::-1])):
        some = service.api.list_pipelines(PipelineNamePrefix=prefix, **{member: moment})
        assert [one["PipelineName"] for one in some["PipelineSummaries"]][:2] == wanted[:2]
    arns = [service.start(names[0]) for _ in range(3)]
    for arn in arns:
        assert service.end(arn) == "Succeeded"
    first = service.api.list_pipeline_executions(PipelineName=names[0], MaxResults=2)
    newest = service.start(names[0])
    rest = service.api.list_pipeline_executions(
        PipelineName=names[0], MaxResults=2, NextToken=first["NextToken"]
    )
    seen = first["PipelineExecutionSummaries"] + rest["PipelineExecutionSummaries"]
    assert [one[EXECUTION] for one in seen] == arns[::-1], "what came meanwhile moves nothing"
    assert "NextToken" not in rest
    service.end(newest)
    problem = refused(service.api.list_pipelines, NextToken="bm9ib2R5")
    assert code(problem) == "ValidationException"


# The model registry


def test_a_model_package_is_found_and_approved(service: Service) -> None:
    group = f"group-{uuid.uuid4().hex[:6]}"
    step = registering(group=group, arguments={"ModelPackageDescription": "a model"})
    arn = service.start(service.create(step))
    assert service.end(arn) == "Succeeded", service.steps(arn)
    api = service.api
    package = service.steps(arn)["Register"]["Metadata"]["RegisterModel"]["Arn"]
    groups = api.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    assert [one["ModelPackageGroupName"] for one in groups] == [group]
    about_group = api.describe_model_package_group(ModelPackageGroupName=group)
    assert about_group["ModelPackageGroupStatus"] == "Completed"
    listed = api.list_model_packages(
        ModelPackageGroupName=group, ModelApprovalStatus="PendingManualApproval"
    )["ModelPackageSummaryList"]
    assert [one["ModelPackageArn"] for one in listed] == [package]
    for _ in range(2):
        api.update_model_package(
            ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="good"
        )
    about = api.describe_model_package(ModelPackageName=package)
    assert about["ModelApprovalStatus"] == "Approved"
    assert about["ApprovalDescription"] == "good"
    assert about["ModelPackageDescription"] == "a model"
    assert about["ModelPackageStatus"] == "Completed"
    assert about["InferenceSpecification"]["SupportedContentTypes"] == ["text/csv"]
    with closing(LocalReader(service.home)) as reader:
        [approval] = reader.package(package).approvals
    assert approval.actor.endswith(" by API")
    for call, given in (
        (api.describe_model_package, {"ModelPackageName": package[:-1] + "9"}),
        (api.update_model_package, {"ModelPackageArn": package, "SourceUri": "s3://b/k"}),
        (api.describe_model_package_group, {"ModelPackageGroupName": "nothing"}),
    ):
        assert code(refused(call, **given)) == "ValidationException"


# What is refused


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"PipelineName": "no_name"}, "regular expression pattern"),
        ({"PipelineName": "x" * 257}, "less than or equal to 256"),
        ({"PipelineDefinition": "{"}, "JSON"),
        ({"PipelineDefinition": json.dumps({"Steps": [{"Name": "A"}]})}, "Type"),
        ({"PipelineDescription": "x" * 3073}, "less than or equal to 3072"),
        ({"ClientRequestToken": "x" * 129}, "less than or equal to 128"),
        ({"ParallelismConfiguration": {"MaxParallelExecutionSteps": 0}}, "MaxParallel"),
    ],
)
def test_what_the_service_would_not_take_is_a_validation_error(
    service: Service, given: dict[str, Any], words: str
) -> None:
    usual = {
        "PipelineName": "invalid",
        "PipelineDefinition": json.dumps(definition(decision())),
        "RoleArn": ROLE,
        "ClientRequestToken": str(uuid.uuid4()),
    }
    status, answer = raw(service, "CreatePipeline", **usual | given)
    assert (status, answer["__type"]) == (400, "ValidationException")
    assert words in answer["message"]


def test_a_start_that_cannot_be_is_a_validation_error(service: Service) -> None:
    name = service.create(decision())
    for given in (
        {"PipelineParameters": [{"Name": "Unknown", "Value": "1"}]},
        {"PipelineExecutionDisplayName": "with space"},
        {"SelectiveExecutionConfig": {"SelectedSteps": [{"StepName": "Nothing"}]}},
    ):
        problem = refused(service.api.start_pipeline_execution, PipelineName=name, **given)
        assert code(problem) == "ValidationException", given
    problem = refused(service.api.start_pipeline_execution, PipelineName=name, PipelineVersionId=9)
    assert code(problem) == "ResourceNotFound"


def test_what_is_not_there_is_resource_not_found(service: Service) -> None:
    arn = "arn:aws:sagemaker:local:000000000000:pipeline/p/execution/aaaaaaaaaaaa"
    for call in (
        service.api.describe_pipeline_execution,
        service.api.list_pipeline_execution_steps,
        service.api.stop_pipeline_execution,
        service.api.describe_pipeline_definition_for_execution,
    ):
        with pytest.raises(service.api.exceptions.ResourceNotFound):
            call(PipelineExecutionArn=arn)
    with pytest.raises(service.api.exceptions.ResourceNotFound):
        service.api.list_pipeline_execution_steps()


def test_other_operations_are_unknown_and_the_message_lists_those_there_are(
    service: Service,
) -> None:
    problem = refused(service.api.list_experiments)
    assert code(problem) == "UnknownOperationException"
    assert "StartPipelineExecution" in str(problem)
    assert raw(service, "Nonsense")[1]["__type"] == "UnknownOperationException"


# From a step


def test_a_steps_program_reaches_the_api_by_its_environment(service: Service) -> None:
    program = (
        "import boto3; api = boto3.client('sagemaker');"
        "name = [p['PipelineName'] for p in api.list_pipelines()['PipelineSummaries']];"
        "open('/opt/ml/processing/out/names', 'w').write(' '.join(name))"
    )
    step = processing(
        "Ask", f'{sys.executable} -c "{program}"', outputs={"out": "s3://bucket/asked"}
    )
    name = service.create(step)
    arn = service.start(name)
    assert service.end(arn) == "Succeeded", service.steps(arn)
    assert name in (service.home.s3 / "bucket/asked/names").read_text().split()
