"""Plain data and pure rules: what a task, an item, a run and an outcome are."""
