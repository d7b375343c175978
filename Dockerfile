# syntax=docker/dockerfile:1
#
# docker build -t oauthctl .
# docker run --rm oauthctl demo
# docker run --rm -it -v oauthctl:/home/oauthctl oauthctl login NAME --flow paste

FROM rust:1-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package oauthctl && cp target/release/oauthctl /usr/local/bin/

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 oauthctl
COPY --from=build /usr/local/bin/oauthctl /usr/local/bin/oauthctl
USER oauthctl
WORKDIR /home/oauthctl
# A container has no keyring. Pass OAUTHCTL_STORE_KEY to keep the key out of the volume.
ENV OAUTHCTL_STORE=file
VOLUME /home/oauthctl
ENTRYPOINT ["oauthctl"]
CMD ["--help"]
