"""The real servers on this machine: started, used, killed, started again."""
