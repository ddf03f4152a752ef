"""`docs/openapi.yaml`: both lanes in one document."""

from apps.core.references import RENEW


class DocumentInvalid(Exception):
    """The document has gaps; the message lists them."""


def build() -> str:
    """The document as YAML. Raises `DocumentInvalid` when drf-spectacular had to guess, or built nonsense."""
    from drf_spectacular import drainage, generators, renderers, validation

    stats = drainage.GENERATOR_STATS
    drainage.reset_generator_stats()
    with stats.silence():
        document = generators.SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    guesses = [*stats._error_cache, *stats._warn_cache]
    if guesses:
        raise DocumentInvalid("\n".join(sorted(guesses)))
    validation.validate_schema(document)  # type: ignore[no-untyped-call]
    body = renderers.OpenApiYamlRenderer().render(document, renderer_context={}).decode()  # type: ignore[no-untyped-call]
    return f"# Generated from the code. Renew it with `{RENEW}`; changes made here are lost.\n{body}"
