"""What anyone may read and file, without a login: the law in force, models, the log, reports, a witness."""
