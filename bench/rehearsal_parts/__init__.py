"""The parts of `bench.rehearsal`: an installation of several web processes, and what is tried on it."""
