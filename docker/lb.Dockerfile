# A load balancer node: the node, and the values it shares with the control plane, its data plane compiled where that works.
FROM python:3.13-slim AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev \
 && python -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' \
 || apt-get install -y -qq --no-install-recommends python3-dev
WORKDIR /build
COPY requirements.lock ./
RUN pip install --no-cache-dir --root-user-action=ignore 'setuptools>=77' mypy -c requirements.lock
COPY setup.py pyproject.toml README.md LICENSE ./
COPY lab/__init__.py ./lab/
COPY lab/core ./lab/core
COPY services/__init__.py ./services/
COPY services/lb ./services/lb
RUN python setup.py -q compile

FROM python:3.13-slim
WORKDIR /lab
COPY requirements.lock ./
RUN pip install --no-cache-dir --root-user-action=ignore cryptography h2 isal -c requirements.lock
COPY --from=build /build/build/compiled ./
# The directory for the last good configuration and the logs: a fresh volume mounted here takes its owner from it.
RUN python -m compileall -q lab services && mkdir /var/lib/lb && chown 1000:1000 /var/lib/lb
ENV PYTHONUNBUFFERED=1
USER 1000:1000
CMD ["python", "-m", "services.lb"]
