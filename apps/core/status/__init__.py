"""How the installation is: which processes serve what, what is degraded, and what to do about it."""
