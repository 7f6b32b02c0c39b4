"""The team's shared endpoint: a thin layer over the request client, for many tenants."""
