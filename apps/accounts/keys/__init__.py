"""API keys: made, looked up, revoked. `docs/front-ends.md` says how they are used."""
