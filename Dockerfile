# The images of the labs. `labs cluster load` builds them and loads them into the kind cluster; by hand:
#   docker build --target labs-serve -t labs-serve:1.0 .
# BASE is any image with Python 3.11, venv and pip. The default is pinned by digest, here and in labsupport/cluster/versions.py.
ARG BASE=python:3.11-slim-bookworm@sha256:528257d48c1da0dcecc2e725d1ae34498d60c965f1241e39cd6a85a8859bdf84

FROM ${BASE} AS serve-environment
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python3 -m venv /opt/labs
COPY requirements/serve.txt requirements/
RUN /opt/labs/bin/pip install --no-compile -r requirements/serve.txt
COPY pyproject.toml ./
COPY labsupport labsupport
# Byte-compiled here, because a read-only root file system keeps no compiled file.
RUN /opt/labs/bin/pip install --no-compile --no-deps . \
    && (/opt/labs/bin/python -m compileall -q -j 0 /opt/labs/lib || true)

FROM ${BASE} AS labs-serve
COPY --from=serve-environment /opt/labs /opt/labs
ENV PATH=/opt/labs/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /tmp
USER 10001:10001
CMD ["python"]

FROM serve-environment AS train-environment
COPY requirements/train.txt requirements/
RUN /opt/labs/bin/pip install --no-compile -r requirements/train.txt \
    && (/opt/labs/bin/python -m compileall -q -j 0 /opt/labs/lib || true)

FROM ${BASE} AS labs-train
COPY --from=train-environment /opt/labs /opt/labs
ENV PATH=/opt/labs/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /tmp
USER 10001:10001
CMD ["python"]
