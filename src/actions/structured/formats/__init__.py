"""Values in files that are data, changed where they stand: JSON, YAML, TOML, INI."""
