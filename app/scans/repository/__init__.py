"""Every query on data sources, scan configs, looks, jobs and leases."""
