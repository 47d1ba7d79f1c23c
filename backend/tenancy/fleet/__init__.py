"""Migrations of all companies: planned, remembered company by company, resumed after anything; one transaction each."""
