# The page and its server in one image: docs/hosting.md.
FROM node:20-bookworm AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /tabrl
COPY . .
RUN ./build.sh dist

FROM python:3.11-slim-bookworm
WORKDIR /tabrl
COPY requirements-proxy.lock .
RUN pip install --no-cache-dir --require-hashes --requirement requirements-proxy.lock
COPY proxy proxy
COPY --from=build /tabrl/dist dist
USER nobody
EXPOSE 8080
# In a container of its own the server has to listen on all of the container's addresses.
ENTRYPOINT ["python", "-m", "proxy", "--bind", "0.0.0.0", "--directory", "dist"]
