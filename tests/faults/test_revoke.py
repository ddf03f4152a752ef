"""A revoked key is refused by every process, also by one that is told nothing."""

import json
import subprocess
import sys
import time

import pytest

from apps.accounts.keys.scopes import scopes
from apps.accounts.keys.services import create_key, revoke_key
from apps.core import redis
from tests.faults.fleet import environment, wait_until

# Uses the key all the time; prints how many seconds after it was told of the revocation it was refused.
USES = """
import asyncio, json, sys, time, django
django.setup()
from apps.accounts.authentication import identify
from apps.accounts.errors import KeyInvalid
from apps.core import redis
from apps.core.cache import cache
from apps.core.config.subscriber import ensure_subscribed
token, deaf = sys.argv[1], sys.argv[2] == "deaf"
if deaf:
    cache.news.hear = lambda data: None
ensure_subscribed()
async def main():
    uses, ready = 0, False
    while True:
        try:
            await identify("Bearer " + token, "127.0.0.1")
        except KeyInvalid:
            return {"uses": uses, "at": time.time()}
        uses += 1
        if uses == 100:
            redis.client().rpush(redis.key("ready"), "1")
        await asyncio.sleep(0.001)
print(json.dumps(asyncio.run(main())))
"""
PROCESSES = 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("ears", "seconds"), [("hears", 2.0), ("deaf", 8.0)])
def test_revoke__under_load_of_several_processes__is_refused_by_all_within_moments(member, ears, seconds):
    made = create_key(member, by=member, name="k", scopes=scopes())
    argv = [sys.executable, "-c", USES, made.token, ears]
    crowd = [subprocess.Popen(argv, env=environment(), stdout=subprocess.PIPE) for _ in range(PROCESSES)]
    try:
        wait_until(lambda: redis.client().llen(redis.key("ready")) == PROCESSES, seconds=180, what="all use the key")
        revoke_key(made.row.pk, by=member)
        revoked = time.time()
        told = [json.loads(one.communicate(timeout=60)[0].splitlines()[-1]) for one in crowd]
    finally:
        for one in crowd:
            one.kill()

    delays = [one["at"] - revoked for one in told]
    print(f"refused after {[round(delay, 3) for delay in delays]} s, uses {[one['uses'] for one in told]}")
    assert max(delays) < seconds
