"""AWS's wire protocols: what the AWS CLI, SDKs and Terraform send to an endpoint, and what they expect back.

Nothing here knows an action. Requests are read and responses written by the shapes of AWS's own service models (botocore's).
"""
