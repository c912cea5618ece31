"""What is learned: plain torch modules that say what they can do."""
