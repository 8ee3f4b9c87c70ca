# A network interface: the container that owns a machine's address, and the agent that keeps its rules.
FROM python:3.13-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends iproute2 libnftables1 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /lab
COPY services/__init__.py ./services/
COPY services/net ./services/net
RUN python -m compileall -q services
# Without site and user packages: there are none, and starting is quicker.
CMD ["python", "-S", "-E", "-m", "services.net"]
