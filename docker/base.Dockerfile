# The base AMI: a small machine with a shell, where user data runs. Made in two steps, so that all its files belong to
# ec2-user: there is no root in it, nor a capability that would make one (docs/decisions/0009).
FROM debian:trixie-slim AS machine
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      bash busybox ca-certificates curl iproute2 jq openssh-client openssh-server procps python3-minimal python3-yaml python3 stress \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /usr/share/doc /usr/share/man /usr/share/locale /etc/ssh/ssh_host_* /etc/ssh/sshd_config.d \
 && useradd --uid 1000 --create-home --shell /bin/bash --password '*' ec2-user \
 && find / -xdev -perm /6000 -type f -exec chmod -s {} + \
 && rm -f /usr/bin/apt /usr/bin/apt-get
COPY docker/base/ /
COPY services/__init__.py /opt/lab/services/
COPY services/init /opt/lab/services/init
# What Debian has no program for, busybox does; what is ours, /opt/lab/command does.
RUN for name in systemctl service journalctl yum dnf apt apt-get amazon-linux-extras; do ln -sf /opt/lab/command /usr/local/bin/$name; done \
 && for name in wget vi less ping nslookup traceroute nc telnet unzip top free netstat pstree; do \
      command -v $name >/dev/null || ln -s /usr/bin/busybox /usr/local/bin/$name; done \
 && mkdir -p /var/www/html /run/sshd && python3 -m compileall -q /opt/lab

FROM scratch
COPY --from=machine --chown=1000:1000 / /
USER 1000:1000
WORKDIR /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 PYTHONUNBUFFERED=1
CMD ["python3", "-I", "-c", "import sys; sys.path.insert(0, '/opt/lab'); from services.init.__main__ import main; main()"]
