"""Caps on what a key or a person may spend on models: reserved before a call, settled after it."""

from apps.providers.budgets.caps import Budget
from apps.providers.budgets.holders import MICRO, budgets_of
from apps.providers.budgets.payers import budgets_of_payer
from apps.providers.budgets.reserving import Reservation, reserve, settle

__all__ = ["MICRO", "Budget", "Reservation", "budgets_of", "budgets_of_payer", "reserve", "settle"]
