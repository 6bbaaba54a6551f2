"""CPU and memory of the server, beside the least that such a server can cost."""
