# A server of exported models on a CPU, without torch: docker build -t multilabel . ; see docs/using_a_model.md
FROM python:3.11-slim
WORKDIR /app
COPY locks/requirements-onnx.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements-onnx.txt
COPY pyproject.toml README.md LICENSE requirements.txt ./
COPY src/multilabel src/multilabel
RUN pip install --no-cache-dir --no-deps . && useradd --create-home server
USER server
WORKDIR /home/server
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/ready', timeout=2)"]
# Inside a container loopback would reach nobody; compose.yaml publishes the port on the host's loopback alone.
ENTRYPOINT ["multilabel", "serve", "--host", "0.0.0.0"]
CMD ["/models/model"]
