"""Background tasks: what is handed over by a request's transaction is done here, each in a session of its company."""
