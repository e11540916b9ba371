"""What the repository holds: stages, their behaviours, hints, steps, patches and named faults."""
