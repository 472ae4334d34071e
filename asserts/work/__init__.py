"""Work on programs, in processes with limits: what the service and the fleet have in common.

`verbs` is the work: a program in a file, to a report and a result. A `worker` process does it
(or whatever other module it is told to serve); `pool` keeps workers warm, limits their time
and memory, and replaces them. What goes wrong is a document of `problems`. Imports the modules
of `cli` that make JSON, and folders before it.
"""
