"""What each kind of job does: modules with `Options` and `work(options, job)`."""
