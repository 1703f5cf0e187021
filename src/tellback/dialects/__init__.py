"""Surfaces that speak a vendor's API, each in a package of its own. They never import each other."""
