"""What the management API tells of drafts, and takes."""

from django.contrib.auth.models import Group
from rest_framework import serializers

from apps.features import services
from apps.features.models import Feature, MenuGroup, key_validator
from apps.pipelines.models import Pipeline


class FeatureSerializer(serializers.ModelSerializer[Feature]):
    """The draft, with the live version beside it."""

    menu = serializers.SlugRelatedField("key", queryset=MenuGroup.objects.all())
    pipeline = serializers.SlugRelatedField("key", queryset=Pipeline.objects.all())
    roles = serializers.SlugRelatedField("name", many=True, queryset=Group.objects.all(), required=False)
    table = serializers.ListField(child=serializers.CharField(max_length=64), max_length=20, required=False)
    degrade = serializers.DictField(required=False)
    live_version = serializers.SerializerMethodField()

    class Meta:
        model = Feature
        fields = ["key", "revision", "live_version", "updated_at", *sorted(services.EDITABLE)]
        read_only_fields = ["key", "revision", "updated_at"]
        # Said here, because the databases' own limits differ and the contract should not.
        extra_kwargs = {
            "cost": {"min_value": 0, "max_value": 1_000_000},
            "order": {"min_value": -1_000_000, "max_value": 1_000_000},
        }

    def get_live_version(self, feature: Feature) -> int | None:
        heads: dict[str, int] = self.context.get("heads", {})
        return heads.get(feature.key)


class NewFeatureSerializer(FeatureSerializer):
    """The same for a draft that does not exist yet: its key is chosen here, once."""

    # Without the validator for uniqueness: a taken key is a conflict, and the service tells it.
    key = serializers.SlugField(max_length=64, validators=[key_validator])

    class Meta(FeatureSerializer.Meta):
        read_only_fields = ["revision", "updated_at"]


class FeatureListSerializer(serializers.Serializer[None]):
    items = FeatureSerializer(many=True)
    next = serializers.CharField(allow_null=True)
