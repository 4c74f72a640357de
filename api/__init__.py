"""Where people meet OnCalm: the command line now. The only place that prints and reads the environment."""
