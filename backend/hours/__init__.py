"""The 507-hour counter of annexes 8 and 10: a person's own, over all employers. No company reads anything of it."""
