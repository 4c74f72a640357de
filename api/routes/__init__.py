"""HTTP routes, each made by a function that is given what it needs."""
