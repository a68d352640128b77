"""Makes synthetic tables with differential privacy. It runs as `python -m clean_room_synthesis`."""
