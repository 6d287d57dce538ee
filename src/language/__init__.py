"""What is said to people, in which language, and how text is measured."""
