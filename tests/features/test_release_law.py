"""The law of releases: whatever is edited or deleted, what is live changes only by a release."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apps.core import redis
from apps.core.config import NOBODY, NotReleased, Person
from apps.core.config.reader import ConfigReader
from apps.core.errors import ApiError
from apps.core.publishing import services
from apps.core.publishing.canonical import canonical_json
from apps.core.publishing.models import Head, Plan, Release, Revision, Snapshot
from apps.features.models import Feature
from apps.features.publishing import SCOPE
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from apps.providers.models import Endpoint
from tests.features.builders import make_feature

KEY = "greeter"
TRIER = Person(id="1", roles=frozenset({"tester"}))
WORDS = st.text(alphabet="abc é中\n", min_size=1, max_size=12).filter(str.strip)


def counts() -> tuple[int, int, int | None]:
    """What a refusal must leave alone."""
    revision = Revision.objects.values_list("value", flat=True).first()
    return Snapshot.objects.count(), Release.objects.count(), revision


class Releases(RuleBasedStateMachine):
    """`stable` and `candidate` are what the model says people get: the bytes of a snapshot, or None."""

    @initialize(released=st.booleans())
    def start(self, released: bool) -> None:
        make_feature(KEY)
        self.readers = [ConfigReader(), ConfigReader()]
        self.stable: str | None = None
        self.candidate: str | None = None
        self.released: dict[int, str] = {}
        self.live_once: set[int] = set()
        if released:
            self.publish(title=None)

    # --- edits: none of them may be seen ---------------------------------------------------------

    @rule(text=WORDS)
    def edit_title(self, text: str) -> None:
        Feature.objects.filter(key=KEY).update(title=text)

    @rule(text=WORDS)
    def edit_prompt(self, text: str) -> None:
        Prompt.objects.filter(key="greeting").update(body=text.replace("{", "") + "{{ name }}")

    @rule(cost=st.integers(0, 9))
    def edit_price(self, cost: int) -> None:
        Feature.objects.filter(key=KEY).update(cost=cost)

    @rule(text=WORDS)
    def edit_pipeline(self, text: str) -> None:
        pipeline = Pipeline.objects.get(key=KEY)
        pipeline.graph["nodes"][2]["title"] = text
        pipeline.save()

    @rule()
    def break_the_draft(self) -> None:
        Feature.objects.filter(key=KEY).update(form_schema={})

    @rule()
    def mend_the_draft(self) -> None:
        from tests.features.builders import FORM

        Feature.objects.filter(key=KEY).update(form_schema=FORM)

    @rule()
    def delete_the_prompt(self) -> None:
        Prompt.objects.filter(key="greeting").delete()

    @rule()
    def write_the_prompt_again(self) -> None:
        variables = [{"name": "name", "required": True}]
        Prompt.objects.get_or_create(
            key="greeting", defaults={"name": "g", "body": "Hi {{ name }}", "variables": variables}
        )

    @rule(enabled=st.booleans())
    def switch_the_model(self, enabled: bool) -> None:
        Endpoint.objects.filter(key="mock").update(enabled=enabled)

    # --- releases ------------------------------------------------------------------------------

    def _tried(self, act: Any) -> Any:
        """What `act` answers, or None when it is refused; a refusal changes nothing."""
        before = counts()
        try:
            return act()
        except ApiError:
            assert counts() == before
            return None

    def _note(self, snapshot: Snapshot) -> None:
        self.released.setdefault(snapshot.version, snapshot.body)

    @rule(title=st.none() | WORDS)
    def publish(self, title: str | None) -> None:
        if title:
            self.edit_title(title)
        snapshot = self._tried(lambda: services.publish(SCOPE, KEY, by=None, confirm=True))
        if snapshot:
            self._note(snapshot)
            self.stable, self.candidate = snapshot.body, None
            self.live_once.add(snapshot.version)

    @rule(version=st.integers(1, 3))
    def roll_back(self, version: int) -> None:
        snapshot = self._tried(lambda: services.rollback(SCOPE, KEY, to_version=version, by=None))
        assert (snapshot is not None) == (version in self.live_once)
        if snapshot:
            assert canonical_json(snapshot.payload) == self.released[version]
            self._note(snapshot)
            self.stable, self.candidate = snapshot.body, None
            self.live_once.add(snapshot.version)

    @rule(title=st.none() | WORDS)
    def roll_out(self, title: str | None) -> None:
        if title:
            self.edit_title(title)
        snapshot = self._tried(
            lambda: services.start_rollout(SCOPE, KEY, by=None, percent=0, roles=["tester"], confirm=True)
        )
        if snapshot:
            self._note(snapshot)
            self.candidate = snapshot.body

    @rule()
    def promote(self) -> None:
        head = self._tried(lambda: services.promote_rollout(SCOPE, KEY, by=None))
        assert (head is not None) == (self.candidate is not None)
        if head:
            self.stable, self.candidate = self.candidate, None
            self.live_once.add(head.version)

    @rule()
    def stop(self) -> None:
        if self._tried(lambda: services.stop_rollout(SCOPE, KEY, by=None)):
            self.candidate = None

    @rule()
    def withdraw(self) -> None:
        if self._tried(lambda: services.withdraw(SCOPE, KEY, by=None)):
            self.stable = self.candidate = None

    # --- processes -----------------------------------------------------------------------------

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        self.readers[which] = ConfigReader()

    @rule()
    def redis_forgets(self) -> None:
        redis.client().flushdb()

    @rule(which=st.integers(0, 1))
    def look(self, which: int) -> None:
        self.readers[which].resync()

    @invariant()
    def everybody_gets_what_was_released(self) -> None:
        if not hasattr(self, "readers"):
            return
        for reader in self.readers:
            reader.resync()
            assert self._served(reader, NOBODY) == self.stable
            assert self._served(reader, TRIER) == (self.candidate or self.stable)

    @invariant()
    def stored_bytes_never_change(self) -> None:
        stored = dict(Snapshot.objects.filter(scope=SCOPE).values_list("version", "body"))
        assert stored == getattr(self, "released", {})

    def _served(self, reader: ConfigReader, person: Person) -> str | None:
        try:
            version, _payload = reader.get(SCOPE, KEY, person)
        except NotReleased:
            return None
        return self.released[version]

    def teardown(self) -> None:
        for model in (Head, Release, Plan, Feature, Pipeline, Prompt, Endpoint, Snapshot):
            model.objects.all().delete()
        redis.client().flushdb()


# Every act accepted at least once, and something else to be seen after each: chance alone seldom gets that far.
WALK: list[tuple[str, dict[str, Any]]] = [
    ("publish", {"title": "b"}),
    ("edit_price", {"cost": 7}),
    ("roll_out", {"title": "c"}),
    ("edit_pipeline", {"text": "a"}),
    ("stop", {}),
    ("roll_back", {"version": 1}),
    ("roll_back", {"version": 3}),  # never live for everybody
    ("roll_out", {"title": "d"}),
    ("delete_the_prompt", {}),
    ("promote", {}),
    ("publish", {"title": None}),  # its prompt is gone
    ("roll_back", {"version": 2}),
    ("withdraw", {}),
    ("roll_back", {"version": 4}),
]


def test_releases__every_act_in_turn__follow_the_law(db):
    law = Releases()
    law.start(released=True)

    for act, given in WALK:
        getattr(law, act)(**given)
        law.everybody_gets_what_was_released()
        law.stored_bytes_never_change()

    assert Counter(Release.objects.filter(scope=SCOPE).values_list("action", flat=True)) == {
        "publish": 2, "rollback": 3, "rollout_start": 2, "rollout_stop": 1, "promote": 1, "withdraw": 1,
    }  # fmt: skip


@pytest.mark.stateful
class ReleaseLaw(TestCase):
    def test_releases__any_order_of_acts__follow_the_law(self) -> None:
        # Each step costs several queries: to look for the shortest failure takes minutes, and the first one is
        # short enough to be read.
        quick = settings(Releases.TestCase.settings, phases=[Phase.explicit, Phase.reuse, Phase.generate])
        run_state_machine_as_test(Releases, settings=quick)
