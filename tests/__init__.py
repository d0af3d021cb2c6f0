"""The tests of maild, named after behaviours."""
