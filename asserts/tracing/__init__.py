"""The tracer: runs a numpy program on arrays that only have a shape, and writes a graph.

`tracer` records, `symarray` is what the program computes with, `registry` finds the rule of
a numpy function in the modules ``rules_*``, `builtins_patch` stands in for ``int`` and
``np`` where Python leaves no other way, `inputs` reads the specification of the inputs,
`nested` calls traced programs inside of others.
"""
