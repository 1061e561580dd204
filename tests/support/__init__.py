"""What tests share: real peer programs, the real server, a fake clock, and waits with deadlines."""
