"""Is it ready? Questions to a process on loopback that never raise while it is still starting."""

import asyncio

import grpc
from grpc_health.v1 import health_pb2

SECONDS = 5.0


async def http_ok(port: int, path: str) -> bool:
    """GET answers 200."""
    try:
        return await asyncio.wait_for(_answers_200(port, path), SECONDS)
    except (OSError, TimeoutError):
        return False


async def _answers_200(port: int, path: str) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        return b" 200 " in await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


async def grpc_ok(port: int) -> bool:
    """grpc.health.v1 says SERVING."""
    # A pooled channel would wait out its backoff after the first refusal.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = await check(health_pb2.HealthCheckRequest(service=""), timeout=SECONDS)
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
