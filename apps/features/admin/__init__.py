"""The catalogue in the CMS: menu groups, features, and the pages of one feature."""

from apps.features.admin.feature import FeatureAdmin
from apps.features.admin.menu import MenuGroupAdmin

__all__ = ["FeatureAdmin", "MenuGroupAdmin"]
