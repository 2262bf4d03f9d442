"""What every stage of a pipeline took and gave, for one input."""
