"""What changed, and who is suspect. Empty until root-cause analysis comes; pure numbers in, numbers out."""
