"""Bodies of the API's own calls: JSON whatever the content type says, checked against a model, refused in the lab's words."""

from collections.abc import Iterable
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from lab.core.errors import LabError

M = TypeVar("M", bound=BaseModel)


async def told(request: Request, model: type[M]) -> M:
    """Raises LabError ValidationError with what is wrong where."""
    try:
        return model.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        raise LabError("ValidationError", invalid(error.errors())) from error


def invalid(problems: Iterable[Any]) -> str:
    """pydantic's problems in one sentence: the member, and what it should be."""
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the body'}: {one['msg']}" for one in problems)
