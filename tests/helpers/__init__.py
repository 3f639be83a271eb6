"""What several tests build on: services, fakes, clients, databases, and slow obvious references."""
