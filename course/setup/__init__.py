"""The machine: the environment, what is installed in it, ports, programs, the browser."""
