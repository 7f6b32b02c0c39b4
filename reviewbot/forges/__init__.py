"""Where change requests live: one package for each forge, behind `reviewbot.ports.Forge`."""
