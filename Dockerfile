# A static binary on an image that has no shell and no root. It holds no Postgres: give it one
# with --database-url or PLAIT_DATABASE_URL.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=docker
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /plait ./cmd/plait

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /plait /plait
# Inside of a container, loopback is nobody's; what may reach it is decided by what is published.
ENV PLAIT_OTLP_GRPC_ADDR=0.0.0.0:4317 \
    PLAIT_INGEST_ADDR=0.0.0.0:4318 \
    PLAIT_API_ADDR=0.0.0.0:7080
EXPOSE 4317 4318 7080
ENTRYPOINT ["/plait"]
CMD ["serve"]
