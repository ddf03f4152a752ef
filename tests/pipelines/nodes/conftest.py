"""Servers that nodes speak to stand on this machine."""

from tests.mcp.conftest import local, script

__all__ = ["local", "script"]
