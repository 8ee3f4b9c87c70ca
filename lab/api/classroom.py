"""What a class looks at: the question of the drill that is under way, and in the end its answer (`lab class`).

GET /lab/class    the lesson, null when there is none
PUT /lab/class    another, or null

It is nobody's state but the projector's: a control plane that is started anew has none, until it is told again.
"""

from typing import Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from lab.api.bodies import told


class Words(BaseModel):
    title: str
    question: str


class Lesson(BaseModel):
    """`words` by language; `since` is when the phase began, seconds since the epoch by the clock on the wall; `answer` has a
    line for each thing that was measured, once it is revealed."""

    phase: Literal["asking", "running", "ended", "revealed"]
    words: dict[str, Words]
    since: float
    answer: list[str] = Field(default_factory=list)


class Told(BaseModel):
    lesson: Lesson | None


def add_classroom(app: FastAPI) -> None:
    shown: list[Lesson] = []

    def state() -> Response:
        return JSONResponse(shown[0].model_dump() if shown else None)

    @app.get("/lab/class")
    async def look() -> Response:
        return state()

    @app.put("/lab/class")
    async def show(request: Request) -> Response:
        wanted = await told(request, Told)
        shown[:] = [] if wanted.lesson is None else [wanted.lesson]
        return state()
