# The control plane. Runs as root because the Docker socket it is given belongs to root; it has no capabilities.
FROM python:3.13-slim
WORKDIR /lab
COPY requirements.lock ./
RUN pip install --no-cache-dir --root-user-action=ignore \
      asyncpg botocore cbor2 click cronsim cryptography dnspython docker fastapi pydantic pyyaml rich tzdata uvicorn websockets -c requirements.lock
COPY lab ./lab
COPY stacks ./stacks
RUN python -m compileall -q lab && mkdir -m 700 /var/lib/lab
ENV PYTHONUNBUFFERED=1
CMD ["python", "-m", "lab.main"]
