"""What people take away: model folders, scripts, tables."""
