"""The kill loop behind `make faults`: a whole Paiban under load, whose processes are killed by a printed seed."""
