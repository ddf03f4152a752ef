"""How Paiban is set up, run, checked and shipped.

Standard library only: most of it runs before anything is installed.
"""
