# The node without the embedded engines: ClickHouse and Kafka run beside it (docker-compose.yml).
FROM node:22-bookworm-slim AS page
WORKDIR /src/query/ui/web
COPY query/ui/web/package.json query/ui/web/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY query/ui/web ./
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=page /src/query/ui/dist query/ui/dist
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /daybook ./cmd/daybook

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /daybook /daybook
# Inside the container every address is fine: what is published decides who gets in.
ENV DAYBOOK_EMBEDDED_ENABLED=false \
    DAYBOOK_HTTP_ADDR=0.0.0.0:8080 \
    DAYBOOK_ADMIN_ADDR=0.0.0.0:8081
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/daybook", "health"]
ENTRYPOINT ["/daybook"]
CMD ["serve"]
