"""CloudFormation: templates are read, checked, ordered and carried out by calling the lab's own AWS actions.

The way of a template, one module per station:

    text ─ document ─▶ nodes with lines ─ template ─▶ sections ─ check ─▶ problems, or none
                                                          │
      rows (model) ◀─ engine.step ◀─ functions (values) ◀─┴─ graph (order), plan (what an update changes)

Nothing here reads a clock, draws a random number or knows how an action does its work.
"""
