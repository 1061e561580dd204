"""Sans-I/O protocol state machines. They know neither media nor sockets."""
