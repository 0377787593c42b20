"""What the author wrote: a pipeline definition read, checked, and its expressions understood.

Everything here is pure: values in, values out. Start at ``loader.load`` (text to
``document.Definition``), ``graph.Graph.of`` (which step waits for which), ``parameters.bind``
(start values), ``expressions.resolve`` and ``conditions.evaluate`` (what a step needs at run time).
"""
