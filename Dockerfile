# Builds the one static binary and puts it, alone, into an empty image.
#
#   docker build -t kabarchy --build-arg VERSION=1.0 .
#   docker run -d -p 8080:8080 -v kabarchy:/data kabarchy
#
# Both bases are arguments, for where only a mirror can be reached.
ARG GO_IMAGE=docker.io/library/golang:1.26-bookworm
ARG BASE_IMAGE=scratch

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=container
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X kabarchy/cli.version=${VERSION}" -o /out/kabarchy . \
 && mkdir -p /out/owned/data /out/owned/tmp \
 && chmod 0700 /out/owned/data /out/owned/tmp

# Zones and certificate authorities are in the binary: nothing else is needed.
FROM ${BASE_IMAGE}
COPY --from=build /out/kabarchy /kabarchy
COPY --from=build --chown=10001:10001 /out/owned/ /

# /data holds the database and, beside it, the key file without which no chat
# that the database names can be reached.
ENV KABARCHY_DATABASE_URL=sqlite:/data/kabarchy.db \
    KABARCHY_LISTEN=:8080 \
    KABARCHY_ADMIN_LISTEN=127.0.0.1:8081
VOLUME /data
WORKDIR /data
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["/kabarchy", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/kabarchy"]
CMD ["serve"]
