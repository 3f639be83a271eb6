"""What gives live pictures: cameras on the network, films of this machine, and programs that write to a pipe."""
