// What the client computes: a short Python program that gets everything it needs as arguments.

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
