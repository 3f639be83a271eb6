"""What anyone may read and file, without a login: the law in force, models, reports, appeals."""
