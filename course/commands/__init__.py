"""The commands: a file each, with the name of its command."""
