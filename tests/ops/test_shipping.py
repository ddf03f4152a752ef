"""The Procfile, the image's entrypoint, compose and the proxy tell one story."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.procfile import fill_in, read_procfile
from ops.workspace import REQUIREMENTS, ROOT, Failure

ENTRYPOINT = ROOT / "ops" / "docker" / "entrypoint.sh"
SCRIPTS = sorted([*ROOT.glob("ops/**/*.sh"), ROOT / ".ci" / "run"])
OURS = ("migrate", "web", "worker", "beat", "dispatcher")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def entrypoint(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ENTRYPOINT, *arguments], capture_output=True, text=True, check=False)


def verbs() -> set[str]:
    return set(re.findall(r"^  (\w+) {2,}", entrypoint("--help").stdout, flags=re.MULTILINE))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.relative_to(ROOT)))
def test_script__parsed_by_its_shell__is_valid_and_executable(script: Path) -> None:
    shell = script.read_text().splitlines()[0].rsplit("/", 1)[-1].removeprefix("env ")
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert os.access(script, os.X_OK)


def test_entrypoint__unknown_verb__is_refused_with_the_list() -> None:
    for arguments in (["dance"], []):
        done = entrypoint(*arguments)

        assert done.returncode == 64
        assert "no such verb" in done.stderr
        assert "dispatcher" in done.stderr


def test_compose__our_services__use_verbs_the_entrypoint_knows(compose: dict[str, Any]) -> None:
    commands = {name: compose["services"][name]["command"] for name in OURS}

    assert commands == {name: [name] for name in OURS}
    assert set(OURS) <= verbs()


def test_compose__every_process_of_the_procfile__has_its_service(compose: dict[str, Any]) -> None:
    assert set(read_procfile()) <= set(compose["services"])


def test_entrypoint__same_process__starts_the_same_program_as_the_procfile() -> None:
    shipped = ENTRYPOINT.read_text()

    for name, command in read_procfile().items():
        if name != "redis":
            program = [word for word in command if not word.startswith(("-", "$"))][:2]
            assert " ".join(program[:1]) in shipped, name
    queues = re.search(r"--queues (\S+)", (ROOT / "Procfile").read_text())
    assert queues is not None
    assert f"WORKER_QUEUES:-{queues[1]}}}" in shipped


def test_compose__every_lasting_service__restarts_and_has_a_say_about_its_health(
    compose: dict[str, Any],
) -> None:
    image_check = {"web"}  # declared in the Dockerfile
    for name, service in compose["services"].items():
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped"), name
        assert "healthcheck" in service or name in image_check, name


def test_compose__images_and_volumes__are_pinned_and_declared(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["image"] == "paiban" or re.search(r":v?\d+\.\d+", service["image"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in compose["volumes"], volume


def test_compose__variables_it_reads__are_described_in_the_example(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    example = (ROOT / ".env.example").read_text()

    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text)) | set(re.findall(r"\$\{([A-Z_]+)", ENTRYPOINT.read_text()))

    internal = {"PROXY_IPS", "GRAFANA_PORT", "WORKER_QUEUES"}
    assert not {name for name in used - internal if f"{name}=" not in example}
    assert compose["name"] == "paiban"


def test_dockerfile__what_it_copies__is_there_and_let_through() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    sources = [source for line in copied for source in line.split()[:-1]]
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)

    assert "apps" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(Path(source).is_relative_to(allowed) for allowed in let_through), source


def test_nginx__streams_and_sockets__are_passed_on_unbuffered() -> None:
    text = (ROOT / "ops" / "nginx" / "paiban.conf").read_text()
    sections = dict(re.findall(r"location (?:= |~ )?(\S+) \{(.*?)\n    \}", text, flags=re.DOTALL))

    assert "client_max_body_size 25m;" in text
    assert text.count("{") == text.count("}")
    assert "proxy_set_header Upgrade $http_upgrade;" in sections["/ws/"]
    assert "X-Request-Id $paiban_request_id" in sections["/ws/"]
    pattern, stream = next((path, body) for path, body in sections.items() if "proxy_buffering off" in body)
    for path in ("/v1/chat/completions", "/mcp", "/api/v1/ai/chat", "/api/v1/tasks/1a/stream"):
        assert re.match(pattern, path), path
    assert not re.match(pattern, "/api/v1/tasks/1a")
    assert "gzip off" in stream


def test_read_procfile__a_line_that_is_none__is_named(tmp_path: Path) -> None:
    file = tmp_path / "Procfile"
    file.write_text("# fine\nweb: serve --port $PORT\njust words\n")

    with pytest.raises(Failure, match="line 3: expected name: command"):
        read_procfile(file)


def test_fill_in__value_with_blanks__stays_one_word_and_a_missing_one_is_named() -> None:
    assert fill_in(["a", "$DIR/x", "${N}0"], {"DIR": "/my data", "N": "8"}) == ["a", "/my data/x", "80"]
    with pytest.raises(Failure, match=r"uses \$NOPE, which is not set"):
        fill_in(["$NOPE"], {})


def pins(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in (REQUIREMENTS / f"{name}.txt").read_text().splitlines():
        if match := re.match(r"([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", line):
            found.setdefault(match[1], set()).add(match[2])
    return found


@pytest.mark.parametrize("name", ["dev", "mysql"])
def test_lock__that_contains_the_base__pins_the_same_versions(name: str) -> None:
    base, larger = pins("base"), pins(name)

    assert len(base) > 50
    assert {package: larger.get(package) for package in base} == base


@pytest.mark.parametrize("name", ["base", "dev", "mysql", "node"])
def test_lock__read_by_anybody__names_no_registry_and_hashes_everything(name: str) -> None:
    text = (REQUIREMENTS / f"{name}.txt").read_text()

    assert "http://" not in text
    assert "https://" not in text
    assert not re.search(r"^\s*--(index|extra-index|find-links)", text, flags=re.MULTILINE)
    assert len(re.findall(r"^[a-z0-9][^=\n]*==.*\\\n    --hash=", text, flags=re.MULTILINE)) == len(
        re.findall(r"^[a-z0-9][^=\n]*==", text, flags=re.MULTILINE)
    )
