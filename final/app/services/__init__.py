"""What the service does, without HTTP: functions that decide, and never see a request."""
