"""What makes the steps: one operation after another, or compiled."""
