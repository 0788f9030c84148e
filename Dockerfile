# The server over HTTP. The install is the Makefile's: `pip install -c constraints.txt .`
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY library library
COPY learner learner
COPY server server
RUN python -m venv /opt/explib && /opt/explib/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 explib && mkdir /data && chown explib /data
COPY --from=build /opt/explib /opt/explib
USER explib
ENV PATH=/opt/explib/bin:$PATH \
    EXPLIB_DATABASE_URL=sqlite+aiosqlite:////data/library.db
VOLUME /data
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/health', timeout=4)"]
# Nobody gets in before a token is made: docker exec NAME explib token create --library default --scope submit
CMD ["explib", "serve", "--transport", "http", "--host", "0.0.0.0", "--port", "8765", "--auth", "required"]
