// What runs on the hosts besides Dask: two short Python programs that get everything they need as arguments.

/** ADDRESS WORKERS CA CERTIFICATE KEY: computes something on all workers. Exits 1 unless every worker took part. */
export const COMPUTATION = `
import sys
from distributed import Client
from distributed.security import Security
address, workers, ca, certificate, key = sys.argv[1:]
tls = Security(tls_ca_file=ca, tls_client_cert=certificate, tls_client_key=key, require_encryption=True)
with Client(address, security=tls, timeout=60) as client:
    client.wait_for_workers(int(workers), timeout=60)
    total = sum(client.gather(client.map(lambda n: n * n, range(1000))))
    print(f"sum of squares below 1000: {total}, on {len(client.run(lambda: 0))} workers")
`;

/** TOKEN: prints the addresses on which the processes listen that carry the token (proc_pid_net(5)). */
export const LISTENERS = `
import glob, os, socket, sys
owner = b"GUARDRAILS_OWNER=" + sys.argv[1].encode()
sockets = set()
for process in glob.glob("/proc/[0-9]*"):
    try:
        with open(process + "/environ", "rb") as environ:
            if owner in environ.read().split(b"\\0"):
                sockets.update(os.readlink(file) for file in glob.glob(process + "/fd/*"))
    except OSError:
        pass
for family, table in (socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6"):
    with open("/proc/self/net/" + table) as lines:
        for fields in map(str.split, list(lines)[1:]):
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                words = bytes.fromhex(address)
                swapped = b"".join(words[at:at + 4][::-1] for at in range(0, len(words), 4))
                print(socket.inet_ntop(family, swapped), int(port, 16))
`;
