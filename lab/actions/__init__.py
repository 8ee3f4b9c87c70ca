"""The AWS actions. Each is a function `snake_case(context, request) -> response` with AWS's own shapes, as plain dicts.

An action checks its input, changes rows and answers; it starts nothing, waits for nothing and reads no clock. Whatever must
happen in the world follows from the rows, through the reconcilers of `lab.control`. `lab.actions.dispatch` finds an action by
service and operation, checks the request against AWS's service model, and runs it in one transaction.
"""
