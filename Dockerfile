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
# Compiled here, because a read-only root file system keeps no compiled file. Some packages ship templates that are no Python.
RUN /opt/labs/bin/python -m compileall -q -j 0 /opt/labs/lib || true

FROM ${BASE} AS course
ENV PATH=/opt/labs/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/opt/course HOME=/tmp \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DO_NOT_TRACK=1 MLFLOW_DISABLE_TELEMETRY=true
# A user with a name: Python's getpass, and with it kopf, fail without one.
RUN /usr/sbin/useradd --uid 10001 --no-create-home --home-dir /tmp labs
WORKDIR /tmp
CMD ["python"]

FROM course AS labs-serve
COPY --from=serve-environment /opt/labs /opt/labs
COPY labsupport /opt/course/labsupport
RUN python -m compileall -q /opt/course
USER 10001:10001

FROM serve-environment AS train-environment
COPY requirements/train.txt requirements/
RUN /opt/labs/bin/pip install --no-compile -r requirements/train.txt
RUN /opt/labs/bin/python -m compileall -q -j 0 /opt/labs/lib || true

FROM course AS labs-train
COPY --from=train-environment /opt/labs /opt/labs
# The course itself comes last: its changes make a small layer.
COPY labsupport /opt/course/labsupport
RUN python -m compileall -q /opt/course
USER 10001:10001

FROM ${BASE} AS airflow-environment
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python3 -m venv /opt/labs
COPY requirements/airflow.txt requirements/
RUN /opt/labs/bin/pip install --no-compile -r requirements/airflow.txt
RUN /opt/labs/bin/python -m compileall -q -j 0 /opt/labs/lib || true

FROM course AS labs-airflow
COPY --from=airflow-environment /opt/labs /opt/labs
COPY labsupport /opt/course/labsupport
RUN python -m compileall -q /opt/course
USER 10001:10001
