"""What every module stands on: errors, settings, names, paths and files."""
