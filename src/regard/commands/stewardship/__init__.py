"""Commands on who may do what: keys, organizations, policy, council."""
