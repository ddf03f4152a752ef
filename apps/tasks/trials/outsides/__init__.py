"""What stands between a trial and the outside: samples in its place, or the answers of an old run."""
