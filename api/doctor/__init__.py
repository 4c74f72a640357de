"""What ``oncalm doctor`` looks at."""
