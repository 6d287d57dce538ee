"""Values in JSON, YAML, TOML and INI files."""
