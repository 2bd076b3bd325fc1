# Two images: `app`, every service but the worker, and `worker`, the same with ffmpeg.
#   docker build --target app -t reelmesh/app .
#   docker build --target worker -t reelmesh/worker .
# They run as 10001 on a read-only file system; /tmp, and /scratch of a worker, are to be written.
ARG BASE_IMAGE=python:3.11.13-slim-bookworm

FROM ${BASE_IMAGE} AS build
ARG UV_VERSION=0.13.9
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir --quiet uv==${UV_VERSION} \
 && /opt/uv/bin/uv venv --quiet --python python3 /opt/reelmesh
ENV VIRTUAL_ENV=/opt/reelmesh UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
WORKDIR /build
COPY pyproject.toml requirements.lock ./
# Versions and hashes are of the lock alone.
RUN /opt/uv/bin/uv pip install --quiet --require-hashes -c requirements.lock -r pyproject.toml
COPY LICENSE NOTICE /app/
COPY gen /app/gen
COPY meshkit /app/meshkit
COPY services /app/services
RUN printf '/app\n/app/gen\n' > "$(/opt/reelmesh/bin/python -c 'import site; print(site.getsitepackages()[0])')/reelmesh.pth" \
 && /opt/reelmesh/bin/python -m compileall -q /app

FROM build AS build-worker
RUN /opt/uv/bin/uv pip install --quiet --require-hashes -c requirements.lock "$(grep -o '^imageio-ffmpeg==[^ ]*' requirements.lock)"

FROM ${BASE_IMAGE} AS base
ENV PATH=/opt/reelmesh/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001:10001
# `docker run reelmesh/app services.gateway`: Python is the process that SIGTERM reaches.
ENTRYPOINT ["python", "-m"]

FROM base AS worker
COPY --from=build-worker /opt/reelmesh /opt/reelmesh
COPY --from=build-worker /app /app
USER root
RUN install -d -o 10001 -g 10001 /scratch
USER 10001:10001
CMD ["services.transcode.worker"]

FROM base AS app
COPY --from=build /opt/reelmesh /opt/reelmesh
COPY --from=build /app /app
