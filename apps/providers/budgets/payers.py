"""Which budgets work counts against that goes on after whoever asked for it has left."""

from apps.accounts.models import ApiKey
from apps.accounts.people import aknown
from apps.core.aio import in_thread
from apps.providers.budgets.caps import Budget
from apps.providers.budgets.holders import MICRO


async def budgets_of_payer(user_id: int, key_id: int | None) -> tuple[Budget, ...]:
    """The budget of the key that the work was asked for with, if any, and the person's, as they are now.

    A key that was revoked or has expired since still counts; one that was deleted leaves the person's alone. Raises
    what the look-up raises: a budget that cannot be known is not ignored.
    """
    found = []
    if key_id is not None and (own := await in_thread(_of_key)(key_id)):
        found.append(own)
    person = await aknown(user_id)
    if person is not None and person["budget"] is not None:
        found.append(Budget(f"user:{user_id}", person["budget"] * MICRO, person["budget_period"]))
    return tuple(found)


def _of_key(key_id: int) -> Budget | None:
    key = ApiKey.objects.filter(pk=key_id, budget__isnull=False).first()
    return None if key is None else Budget(f"key:{key_id}", (key.budget or 0) * MICRO, key.budget_period)
