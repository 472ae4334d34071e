"""What differs between frameworks: `base` has the questions, a folder for each framework the
answers."""
