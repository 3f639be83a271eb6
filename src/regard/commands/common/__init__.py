"""What commands share: how they talk, and the service in their process."""
