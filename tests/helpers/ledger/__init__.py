"""What the tests of the log build on: faulty disks, logs under load, public logs, and RFC 6962 word for word."""
