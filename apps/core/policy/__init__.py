"""Who may do what: `resource:action` rights, the roles that hold them, and the permissions behind them."""

from apps.core.policy.rights import ACTIONS, Policy, Resource, UnknownRight
from apps.core.policy.source import PolicyInvalid, policy

__all__ = ["ACTIONS", "Policy", "PolicyInvalid", "Resource", "UnknownRight", "policy"]
