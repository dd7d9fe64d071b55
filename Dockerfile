# syntax=docker/dockerfile:1

# The version of Rust is that of `rust-version` in Cargo.toml; a test holds it.
FROM rust:1.95.0-bookworm AS build
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --locked --release --bin qingliu \
    && install -D target/release/qingliu /out/qingliu

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="qingliu" \
      org.opencontainers.image.description="Explainable content moderation for Chinese platforms" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin qingliu \
    && install -d -o qingliu -g qingliu -m 0700 /data
COPY --from=build /out/qingliu /usr/local/bin/qingliu
USER 10001
# Log, keys and state lie in qingliu-data below it.
WORKDIR /data
VOLUME /data
# Beyond loopback every path but health needs a key: `docker run … key add site --role publisher`.
ENV QINGLIU_SERVE_LISTEN=0.0.0.0:8080 \
    QINGLIU_TELEMETRY_LOG=json \
    QINGLIU_TELEMETRY_LEVEL=info
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/qingliu"]
CMD ["serve"]
