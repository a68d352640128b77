"""Compares a stand-in with the real table, for the provider only: the report contains real data."""
