"""What the gateway is measured with: an endpoint with prices, perhaps with limits, and a caller who has a budget."""

LIMITS = {"max_concurrency": 500, "rpm": 10_000_000, "tpm": 2_000_000_000}  # that are kept, and never met


def install(base_url: str, *, limits: bool) -> str:
    """Returns what to send as the bearer."""
    from apps.accounts.keys.scopes import Scopes
    from apps.accounts.keys.services import create_key
    from apps.accounts.models import User
    from apps.providers.models import MICRO, Endpoint, Offer
    from apps.providers.services import release_catalogue, set_secret

    user = User.objects.create_user(username="bench", password=None)
    endpoint = Endpoint.objects.create(
        key="bench",
        name="Bench",
        handler_key="openai",
        base_url=base_url,
        **(LIMITS if limits else {}),
    )
    Offer.objects.create(
        endpoint=endpoint,
        model="bench-chat",
        capabilities=["chat"],
        price_input=MICRO,
        price_output=MICRO,
    )
    set_secret(endpoint, "sk-upstream-0123456789", by=None)
    release_catalogue(by=None)
    return create_key(user, by=user, name="bench", scopes=Scopes(models=("bench-chat",)), budget=10**9).token
