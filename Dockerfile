# Arion as an image: docker build -t arion .   How to run it: compose.yaml and docs/operations.md.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY tools/packages/build.txt tools/packages/build.txt
RUN apt-get update \
    && sed '/^#/d' tools/packages/build.txt | xargs apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/arion
COPY requirements.lock .
RUN /opt/arion/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml setup.py README.md LICENSE ./
COPY server server
RUN /opt/arion/bin/pip install --no-cache-dir --no-build-isolation --no-deps . \
    && /opt/arion/bin/arion -V

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates \
        python3 \
        libgsm1 \
        libspeexdsp1 \
        asterisk-core-sounds-en \
        asterisk-core-sounds-en-wav \
        asterisk-moh-opsound-wav \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 5060 --home-dir /var/lib/asterisk arion \
    && for folder in lib log spool run cache; do \
        install -d -o arion -g arion "/var/$folder/asterisk"; done
COPY --from=build /opt/arion /opt/arion
COPY packaging/docker/etc /etc/asterisk
ENV PATH=/opt/arion/bin:$PATH PYTHONUNBUFFERED=1
USER arion
VOLUME ["/var/lib/asterisk", "/var/spool/asterisk", "/var/log/asterisk"]
# SIP, the REST interface, and the media of 50 two-party calls: rtp.conf has the same range.
EXPOSE 5060/udp 5060/tcp 8088/tcp 10000-10199/udp
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s \
    CMD ["arion", "-C", "/etc/asterisk/asterisk.conf", "-rx", "core waitfullybooted"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["arion", "-C", "/etc/asterisk/asterisk.conf", "-f"]
