"""Generate the Python of the gRPC interface from its .proto.

Run it after a change to src/bertie/server/grpc/tei.proto, with grpcio-tools installed:
python scripts/make_proto.py. What it writes is checked in, so that whoever installs Bertie needs
no compiler of protocol buffers. The oldest grpcio-tools that the extra `server` allows should be
used: what it generates runs with that protobuf and every later one of the same major version.
"""

import sys
from pathlib import Path

from grpc_tools import protoc

SOURCES = Path(__file__).parent.parent / "src"
PROTO = "bertie/server/grpc/tei.proto"


def main() -> int:
    """Generate the messages; services are registered by name and need no generated code."""
    arguments = ["protoc", f"-I{SOURCES}", f"--python_out={SOURCES}"]
    return int(protoc.main([*arguments, PROTO]))


if __name__ == "__main__":
    sys.exit(main())
