"""What is in deploy/ is checked by the tools of those who run it, and against what sessiontool does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from s3server import BUCKET, SECRET
from typer.testing import CliRunner

from sessiontool import aws_lambda
from sessiontool.batch.shards import find_shard
from sessiontool.cli import app
from sessiontool.config import TABLE, setting_names
from sessiontool.console import json_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from s3server import S3Server

PROJECT = Path(__file__).parent.parent
DEPLOY = PROJECT / "deploy"
TEMPLATE, CRONJOB = DEPLOY / "lambda" / "template.yaml", DEPLOY / "kubernetes" / "cronjob.yaml"
PROGRAMS = Path(sys.executable).parent


def checked(program: str, *arguments: str | Path) -> None:
    """Run a checker from the environment of the tests, or of the machine; it must be content."""
    found = shutil.which(program, path=f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
    if not found:
        reason = f"{program} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    argv = [found, *map(str, arguments)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout + done.stderr) == (0, ""), done.stdout + done.stderr


def test_the_templates_of_cloudformation() -> None:
    templates = [TEMPLATE, DEPLOY / "lambda" / "registry.yaml", DEPLOY / "aws-batch" / "nightly.yaml"]
    checked("cfn-lint", "--non-zero-exit-code", "warning", "--", *templates)


def test_the_container_file() -> None:
    checked("hadolint", "--failure-threshold", "style", DEPLOY / "Containerfile")


def test_the_kubernetes_objects() -> None:
    checked("kubernetes-validate", "--strict", "--quiet", CRONJOB)


def test_the_systemd_units(tmp_path: Path) -> None:
    for unit in (DEPLOY / "systemd").glob("sessiontool-batch.*"):
        text = unit.read_text().replace("/opt/sessiontool/bin/sessiontool", sys.executable)  # it must be there
        (tmp_path / unit.name).write_text(text)
    checked("systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir()))


def test_the_job_definition_of_aws_batch() -> None:
    """AWS' own model of the call that takes it."""
    import botocore.session
    from botocore.validate import ParamValidator

    definition = json.loads((DEPLOY / "aws-batch" / "job-definition.json").read_text())
    model = botocore.session.Session().get_service_model("batch").operation_model("RegisterJobDefinition")
    assert model.input_shape is not None
    report = ParamValidator().validate(definition, model.input_shape)
    assert not report.has_errors(), report.generate_report()


def test_the_installation_for_systemd(copy: Callable[[str], Path], tmp_path: Path) -> None:
    """The script itself below a folder, and what the unit starts, with the settings and the folders it made."""
    store, root = copy("chrome-silence").parent, tmp_path / "root"
    exporter, program = root / "var/lib/prometheus/node-exporter", root / "opt/sessiontool/bin/sessiontool"
    for folder in (exporter, program.parent, root / "var/lib/sessiontool"):
        folder.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sessiontool "$@"\n')
    program.chmod(0o755)
    (root / "opt/sessiontool/.kept").touch()  # the environment is this one
    install = ["sh", str(DEPLOY / "systemd" / "install.sh"), str(store)]
    around = {**os.environ, "DESTDIR": str(root)}
    for output in ("", str(tmp_path / "results")):  # settings are kept
        subprocess.run([*install, *filter(None, [output])], env=around, check=True, capture_output=True)
    settings = (root / "etc/sessiontool.env").read_text()
    assert settings == f"SESSIONTOOL_STORE={store}\n"
    assert (root / "etc/sessiontool.env").stat().st_mode & 0o777 == 0o600
    units = root / "etc/systemd/system"
    assert (
        f"ReadWritePaths={store} {tmp_path}/results\n"
        in (units / "sessiontool-batch.service.d/folders.conf").read_text()
    )
    assert (exporter / "sessiontool.prom").readlink() == Path("/var/lib/sessiontool/sessiontool.prom")

    unit = (units / "sessiontool-batch.service").read_text().replace("\\\n", " ")
    start = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)[0].split()
    argv = [f"{root}{one}" if one.startswith(("/opt/", "/var/")) else one for one in start]
    own = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environment = {**own, **dict(line.split("=", 1) for line in settings.splitlines())}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (store / "chrome-silence/merged/report.json").exists()
    metrics = (root / "var/lib/sessiontool/sessiontool.prom").read_text()
    assert "sessiontool_batch_worst_exit_code 0.0" in metrics
    alerts = (DEPLOY / "prometheus" / "alerts.yaml").read_text()
    named = set(re.findall(r"sessiontool_batch_\w+", alerts))
    assert named
    assert named <= set(re.findall(r"^# TYPE (\w+)", metrics, re.MULTILINE))
    assert yaml.safe_load(alerts)["groups"][0]["rules"]


@pytest.mark.parametrize(("place", "words"), [("calls", "whole path"), ("/home/me/calls", "of a home")])
def test_an_installation_that_could_not_work_is_refused(place: str, words: str, tmp_path: Path) -> None:
    argv = ["sh", str(DEPLOY / "systemd" / "install.sh"), place]
    around = {**os.environ, "DESTDIR": str(tmp_path)}
    done = subprocess.run(argv, env=around, capture_output=True, text=True, check=False)
    assert (done.returncode, words in done.stderr, list(tmp_path.iterdir())) == (2, True, [])


# -- what they say about sessiontool


def commands() -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """Every command line in deploy/, and the variables around it."""
    unit = (DEPLOY / "systemd" / "sessiontool-batch.service").read_text().replace("\\\n", " ")
    start = re.search(r"^ExecStart=\S+ (.*)$", unit, re.MULTILINE)
    assert start is not None
    yield "systemd", start[1].split(), {}
    _, job = yaml.safe_load_all(CRONJOB.read_text())
    container = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    yield "kubernetes", container["args"], {one["name"]: one["value"] for one in container["env"]}
    properties = json.loads((DEPLOY / "aws-batch" / "job-definition.json").read_text())["containerProperties"]
    yield "aws-batch", properties["command"], {one["name"]: one["value"] for one in properties["environment"]}


@pytest.mark.parametrize(("where", "arguments", "variables"), list(commands()), ids=lambda value: str(value)[:10])
def test_commands_are_understood(where: str, arguments: list[str], variables: dict[str, str], tmp_path: Path) -> None:
    told = [argument.replace("/var/lib/sessiontool", str(tmp_path)) for argument in arguments]
    done = CliRunner().invoke(app, [*told, "--store", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert set(variables) <= {TABLE[name].variable for name in setting_names()}
    if "SESSIONTOOL_SHARD" in variables:
        _, job = yaml.safe_load_all(CRONJOB.read_text())
        count = job["spec"]["jobTemplate"]["spec"]["completions"]
        shard = find_shard(variables["SESSIONTOOL_SHARD"], {"JOB_COMPLETION_INDEX": str(count - 1)})
        assert (shard.index, shard.count) == (count - 1, count)


class _Tagged(yaml.SafeLoader):  # type: ignore[misc]
    """YAML with CloudFormation's tags: `!Sub text` is the text."""


_Tagged.add_multi_constructor(
    "!",
    lambda loader, _suffix, node: (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node, deep=True)
    ),
)

# What S3 asks of whoever calls an operation.
ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CopyObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObject": "s3:DeleteObject",
}


@contextmanager
def recorded_calls() -> Iterator[set[tuple[str, str]]]:
    """What boto3 asks of S3 in the block: action and key."""
    from botocore import client

    kind: Any = client.BaseClient
    calls: set[tuple[str, str]] = set()
    real = kind._make_api_call

    def call(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        calls.add((ACTIONS[operation], arguments.get("Key", "")))
        return real(self, operation, arguments)

    kind._make_api_call = call
    try:
        yield calls
    finally:
        kind._make_api_call = real


def test_the_function_is_the_handler_and_may_do_what_a_merge_does_and_no_more(
    s3_server: S3Server, s3_url: str, s3_client: Any, recorded_session: Callable[[str], Path], monkeypatch: Any
) -> None:
    template = yaml.load(TEMPLATE.read_text(), _Tagged)
    function = template["Resources"]["Merge"]["Properties"]
    module, _, name = function["ImageConfig"]["Command"][0].rpartition(".")
    assert getattr(sys.modules[module], name) is aws_lambda.handler
    assert set(function["Environment"]["Variables"]) <= {TABLE[name].variable for name in setting_names()}
    assert template["Resources"]["Queue"]["Properties"]["VisibilityTimeout"] == 6 * function["Timeout"]

    folder = recorded_session("chrome-silence")
    prefix = s3_url.partition(f"{BUCKET}/")[2]
    for path in filter(Path.is_file, folder.rglob("*")):
        s3_client.put_object(Bucket=BUCKET, Key=f"{prefix}/demo/{path.relative_to(folder)}", Body=path.read_bytes())
    monkeypatch.setenv("SESSIONTOOL_STORE", s3_url)
    with recorded_calls() as calls:
        for force in (False, True, False):  # merged, merged anew, left alone
            aws_lambda.handler({"session_id": "demo", "force": force}, None)
    json_logs.use_json_logs(wanted=False)
    statements = function["Policies"][0]["Statement"]
    allowed = {
        action: one["Resource"].partition("${Bucket}")[2].removeprefix("/").replace("${Prefix}", f"{prefix}/")
        for one in statements
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }
    refused = [(action, key) for action, key in calls if not fnmatch(key, allowed.get(action, "-"))]
    assert refused == []
    assert set(allowed) - {action for action, _ in calls} == {"s3:AbortMultipartUpload"}  # after a failure


def test_no_secret_is_written_anywhere(s3_server: S3Server, s3_url: str, tmp_path: Path) -> None:
    """Neither in a log nor in a report, also where a URL has one."""
    endpoint = s3_server.endpoint.replace("//", f"//user:{SECRET}@")
    argv = [sys.executable, "-m", "sessiontool", "batch", "a", "b\x1b31m", "--store", s3_url, "--json"]
    argv += ["--endpoint-url", endpoint, "--log-format", "json", "--report", str(tmp_path / "report.jsonl")]
    around = {**os.environ, **s3_server.environment(), "AWS_MAX_ATTEMPTS": "1"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=around, timeout=60)
    written = done.stdout + done.stderr + (tmp_path / "report.jsonl").read_text()
    assert SECRET not in written
    assert "\x1b" not in written
    assert json.loads(done.stdout.splitlines()[-1])["by_status"]["failed"] == 2
