"""The passwords that the seed made: kept until they have been shown once, then forgotten."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypedDict

from ops.console import say


class Admin(TypedDict):
    """The first administrator; the password is None when it was set earlier and is not known any more."""

    username: str
    password: str | None
    must_change: bool


class Credentials(TypedDict):
    """What `manage.py seed --credentials` writes."""

    admin: Admin
    demo: dict[str, str | None]


def read(file: Path) -> Credentials | None:
    """What the file holds, or None when there is none."""
    try:
        found: Credentials = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    return found


def keep(file: Path, fresh: Credentials) -> None:
    """Note what the seed made; a password that an interrupted start made but never showed is not lost."""
    earlier = read(file)
    if earlier is not None:
        if earlier["admin"]["username"] == fresh["admin"]["username"]:
            fresh["admin"]["password"] = fresh["admin"]["password"] or earlier["admin"]["password"]
        fresh["demo"] = {name: word or earlier["demo"].get(name) for name, word in fresh["demo"].items()}
    _write(file, fresh)


def show_once(file: Path, *, url: str, data: Path, chosen: tuple[bool, bool]) -> None:
    """Print where to go and how to sign in, then forget the passwords.

    `chosen` says whether the administrator's and the demo users' passwords came from the environment; such
    are not printed.
    """
    found = read(file)
    say()
    say(f"  Storefront     {url}/")
    say(f"  Admin          {url}/admin/")
    say(f"  API reference  {url}/docs")
    if found is not None:
        say()
        _show_admin(found["admin"], chosen=chosen[0])
        _show_demo(found["demo"], chosen=chosen[1])
        _write(file, _without_passwords(found))
    say()
    say(f"  Everything is kept in {data}. Ctrl-C stops it.")
    say()


def _show_admin(admin: Admin, *, chosen: bool) -> None:
    say(f"  Admin user     {admin['username']}")
    if chosen:
        say("  Password       the one in PAIBAN_ADMIN_PASSWORD")
    elif admin["password"]:
        once = " (one-time: you choose your own at the first sign-in)" if admin["must_change"] else ""
        say(f"  Password       {admin['password']}{once}")
    else:
        say("  Password       printed at the first start; `make admin-password` makes a new one")


def _show_demo(demo: dict[str, str | None], *, chosen: bool) -> None:
    shown = {
        name: "the one in PAIBAN_DEMO_PASSWORD" if chosen else password or "printed at the first start"
        for name, password in demo.items()
    }
    if len(set(shown.values())) == 1:
        say(f"  Demo users     {', '.join(shown)}")
        say(f"  Password       {next(iter(shown.values()))}")
        return
    for place, (name, password) in enumerate(shown.items()):
        say(f"  {'Demo users' if place == 0 else '':<14} {name:<10} {password}")


def _without_passwords(found: Credentials) -> Credentials:
    return {"admin": {**found["admin"], "password": None}, "demo": dict.fromkeys(found["demo"])}


def _write(file: Path, content: Credentials) -> None:
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        json.dump(content, output)
    fresh.replace(file)
