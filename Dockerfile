# The portal for production. One image serves web, worker and beat; docker-compose.yml starts them.
# .ci/run tests with the same Python version.

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.lock .
RUN pip install --require-hashes --only-binary :all: -r requirements.lock
WORKDIR /app
COPY . .
RUN pybabel --quiet compile --domain django --directory locale
# The settings require every value. These are used only in this line, and don't become part of the image.
RUN SECRET_KEY=only-for-collectstatic-0123456789-abcdefghij ORDER_PASSWORD_KEY=only-for-collectstatic-0123456789-abcdefghij \
    SITE_URL=https://build.invalid \
    DATABASE_URL=postgres://build.invalid/build BROKER_URL=redis://build.invalid EMAIL_URL=smtp://build.invalid:25 \
    STATIC_ROOT=/app/collected python manage.py collectstatic --no-input --verbosity 0

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin portal \
    && install -d -m 700 -o portal -g portal /data/private \
    && install -d -m 755 -o portal -g portal /data/releases
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STATIC_ROOT=/app/collected \
    PRIVATE_ROOT=/data/private \
    RELEASES_ROOT=/data/releases \
    CELERY_BEAT_SCHEDULE_FILENAME=/tmp/celerybeat-schedule
USER portal
EXPOSE 8000
VOLUME /data/private /data/releases
HEALTHCHECK --interval=15s --timeout=4s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
# The number of workers and threads is in gunicorn.conf.py.
CMD ["gunicorn", "portal.wsgi", "--bind", "0.0.0.0:8000", "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
