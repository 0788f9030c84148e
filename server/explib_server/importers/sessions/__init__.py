"""Sessions of coding agents, one client a module: each request of the person is an attempt."""
