"""`PAIBAN_MCP_STDIO`: local tool servers of an installation, refused loudly when they cannot be meant so."""

import json
from pathlib import Path

import pytest
from django.conf import settings as live
from django.core.exceptions import ImproperlyConfigured

from config.settings.tool_servers import stdio_servers

GIT = {"git": {"command": ["/usr/bin/mcp-server-git", "--repository", "/srv/docs"], "repeatable": True}}


@pytest.mark.parametrize("given", ["", "  \n"])
def test_servers__nothing__is_none(given):
    assert stdio_servers(given) == {}


def test_servers__json_or_the_path_of_a_file__are_read(tmp_path: Path):
    file = tmp_path / "servers.json"
    file.write_text(json.dumps(GIT))

    assert stdio_servers(json.dumps(GIT)) == stdio_servers(f" {file}\n") == GIT


@pytest.mark.parametrize(
    "given",
    [
        "/no/such/file",
        ".",
        "{",
        "[]",
        '{"git": {}}',
        '{"git": []}',
        '{"Git": {"command": ["/bin/x"]}}',
        '{"a b": {"command": ["/bin/x"]}}',
        '{"git": {"command": "/bin/x -y"}}',
        '{"git": {"command": ["x"]}}',
        '{"git": {"command": ["./x"]}}',
        '{"git": {"command": ["/bin/x", 1]}}',
        '{"git": {"command": ["/bin/x", "\\u0000"]}}',
        '{"git": {"command": []}}',
        '{"git": {"command": ["/bin/x"], "env": {"A": "b"}}}',
        '{"git": {"command": ["/bin/x"], "repeatable": "yes"}}',
        '{"git": {"module": "os"}}',
        '{"image-tools": {"command": ["/bin/x"]}}',
        json.dumps({f"s{n}": {"command": ["/bin/x"]} for n in range(101)}),
        '{"a":' * 5_000,
    ],
)
def test_servers__anything_else__is_refused_by_name(given):
    with pytest.raises(ImproperlyConfigured, match="PAIBAN_MCP_STDIO"):
        stdio_servers(given)


def test_servers__file_too_large__is_refused(tmp_path: Path):
    file = tmp_path / "servers.json"
    file.write_text(" " * 300_000 + "{}")

    with pytest.raises(ImproperlyConfigured, match="bytes"):
        stdio_servers(str(file))


def test_catalogue__always__has_the_built_in_server():
    assert live.MCP_STDIO_CATALOGUE["image-tools"] == {
        "module": "apps.mcp.image_tools",
        "work_dir": True,
        "repeatable": True,
    }
