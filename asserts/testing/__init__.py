"""Strategies of hypothesis for sizes, shapes, arrays and inputs of programs."""
