"""STS, as much as tools ask before they begin: who am I."""

from lab.actions.context import Context, Request, Response, reads


@reads()
def get_caller_identity(context: Context, _request: Request) -> Response:
    account = context.account.account_id
    return {"UserId": account, "Account": account, "Arn": f"arn:aws:iam::{account}:root"}
