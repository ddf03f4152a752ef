"""Caps on what a key or a person may spend on models: reserved before a call, settled after it."""

from apps.providers.budgets.caps import Budget
from apps.providers.budgets.holders import budgets_of
from apps.providers.budgets.reserving import Reservation, reserve, settle

__all__ = ["Budget", "Reservation", "budgets_of", "reserve", "settle"]
