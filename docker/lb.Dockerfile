# A load balancer node: the standard library, our node, and the values it shares with the control plane.
FROM python:3.13-slim
WORKDIR /lab
COPY lab/__init__.py ./lab/
COPY lab/core ./lab/core
COPY services/__init__.py ./services/
COPY services/lb ./services/lb
# The directory for the last good configuration: a fresh volume mounted here takes its owner from it.
RUN python -m compileall -q lab services && mkdir /var/lib/lb && chown 1000:1000 /var/lib/lb
ENV PYTHONUNBUFFERED=1
USER 1000:1000
CMD ["python", "-m", "services.lb"]
