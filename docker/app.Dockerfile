# The sample application: what the lab's AMI holds.
FROM python:3.13-slim
WORKDIR /lab
COPY requirements.lock ./
RUN pip install --no-cache-dir --root-user-action=ignore asyncpg fastapi pyyaml uvicorn -c requirements.lock
COPY services/__init__.py ./services/
COPY services/app ./services/app
COPY services/init/__init__.py services/init/metadata.py services/init/write_files.py ./services/init/
RUN python -m compileall -q services
ENV PYTHONUNBUFFERED=1
USER 1000:1000
CMD ["python", "-m", "services.app"]
