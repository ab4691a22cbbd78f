# The image of the controller: one static binary on a base without a shell.
#
#   docker build -t shockwave:dev .
#
# Both bases are arguments, so that a mirror or an image of your own can take
# their place. Go's settings (GOPROXY, GOSUMDB, GOFLAGS, GONOSUMDB, GOPRIVATE)
# and HTTP proxies are build arguments too, and leave no trace in the image.

ARG BUILD_IMAGE=golang:1.26
ARG BASE_IMAGE=gcr.io/distroless/static-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
ARG GOPROXY
ARG GOSUMDB
ARG GONOSUMDB
ARG GOPRIVATE
ARG GOFLAGS
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
ARG COMMIT=unknown
RUN CGO_ENABLED=0 GOOS="${TARGETOS}" GOARCH="${TARGETARCH}" go build -trimpath \
    -ldflags "-s -w -X main.version=${VERSION} -X main.commit=${COMMIT}" \
    -o /out/shockwave ./cmd/controller

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="shockwave" \
      org.opencontainers.image.description="Kubernetes ingress controller" \
      org.opencontainers.image.source="https://github.com/shockwave-ingress/shockwave" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/shockwave /shockwave
# The number, so that runAsNonRoot can be checked. This user may listen below
# 1024 only where net.ipv4.ip_unprivileged_port_start allows it, as the chart
# sets it and as container engines do by default; see docs/installation.md.
USER 65532:65532
# WebSocket over HTTP/2 (RFC 8441), which golang.org/x/net/http2 switches on by this.
ENV GODEBUG=http2xconnect=1
EXPOSE 80 443 10254
ENTRYPOINT ["/shockwave"]
