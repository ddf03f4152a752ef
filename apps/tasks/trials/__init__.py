"""Trials of drafts, and replays of old runs: runs that nobody is charged for and no statistic counts."""
