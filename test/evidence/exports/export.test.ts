// Exports, each judged by the reader that it is made for.
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import root from '@opentelemetry/otlp-transformer/build/src/generated/root.js';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { CloudEvent } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { type ExportFormat, exportJournal } from '../../../src/evidence/exports/export.ts';
import { processIdentity } from '../../../src/evidence/identity.ts';
import { generateSigner } from '../../../src/evidence/keys.ts';
import { openJournal } from '../../../src/evidence/open-journal.ts';
import { uuidv7 } from '../../../src/evidence/uuid.ts';
import { verifyDirectory } from '../../../src/evidence/verify-native.ts';
import { vouchFor } from '../../../src/evidence/vouched.ts';
import { leftOut } from '../../left-out.ts';
import { missing } from '../../ssh/support.ts';
import { draft, scratch } from '../support.ts';

/** The part of OpenTelemetry's generated protobuf types that is asked here; their own declaration says nothing. */
interface OtlpRoot {
  readonly opentelemetry: {
    readonly proto: {
      readonly collector: { readonly logs: { readonly v1: { readonly ExportLogsServiceRequest: OtlpType } } };
    };
  };
}
interface OtlpType {
  fromObject(json: object): object;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: { readonly longs: StringConstructor }): object;
}

const signer = generateSigner('agilab-guardrails/test');
const pins = [{ vkey: signer.vkey, host: processIdentity().host }];

async function journal(): Promise<string> {
  const directory = await scratch();
  const open = await openJournal({ directory, signer });
  const { id } = await open.append(draft({ subject: { kind: 'address', name: '127.0.0.1' } }), '');
  await open.append(draft({ decision: 'refuse', codes: ['bind.wildcard'], reason: 'all addresses' }), '');
  await open.append(draft({ decision: 'error', codes: ['guard.timeout'], reason: 'no answer' }), '');
  await open.append(
    vouchFor({
      id: uuidv7(),
      mode: 'effect',
      of: id,
      kind: 'remote-run',
      outcome: 'done',
      codes: [],
      reason: '',
    }),
    '',
  );
  await open.close();
  return directory;
}

async function exported(format: ExportFormat, directory?: string): Promise<readonly string[]> {
  const at = directory ?? (await journal());
  const verdict = await verifyDirectory(at, { pins, keepLines: false });
  const lines: string[] = [];
  for await (const line of exportJournal(at, verdict, { format, version: '1.2.3', signer })) lines.push(line);
  return lines;
}

describe('DSSE', () => {
  interface Envelope {
    readonly payloadType: string;
    readonly payload: string;
    readonly signatures: readonly { readonly sig: string }[];
  }
  const envelopesOf = async (): Promise<readonly Envelope[]> =>
    (await exported('dsse')).map((line) => JSON.parse(line) as Envelope);
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(signer.publicKey).toString('base64url') },
    format: 'jwk',
  }).export({ type: 'spki', format: 'pem' }) as string;

  it('is accepted by sigstore, and not with a changed payload', async () => {
    const envelopes = await envelopesOf();
    const verifier = new Verifier(
      toTrustMaterial(
        {
          mediaType: '',
          certificateAuthorities: [],
          timestampAuthorities: [],
          ctlogs: [],
          tlogs: [],
        } as never,
        () => ({
          publicKey: createPublicKey(publicKey),
          validFor: () => true,
        }),
      ),
      { tlogThreshold: 0, timestampThreshold: 0, ctlogThreshold: 0 },
    );
    const judge = (dsseEnvelope: object): unknown =>
      verifier.verify(
        toSignedEntity(
          bundleFromJSON({
            mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
            verificationMaterial: { publicKey: { hint: 'ours' }, tlogEntries: [] },
            dsseEnvelope,
          }),
        ),
      );
    expect(envelopes).toHaveLength(5);
    for (const envelope of envelopes) {
      judge(envelope);
      const statement = Buffer.from(envelope.payload, 'base64').toString();
      const payload = Buffer.from(statement.replace('"seq":', '"sEq":')).toString('base64');
      expect(() => judge({ ...envelope, payload })).toThrow();
    }
  });

  const reason = missing('openssl');
  it('is accepted by openssl over the text that the protocol says', leftOut(reason), async () => {
    const directory = await scratch();
    const path = (name: string): string => join(directory, name);
    writeFileSync(path('key.pem'), publicKey);
    for (const { payloadType, payload, signatures } of await envelopesOf()) {
      const body = Buffer.from(payload, 'base64');
      writeFileSync(
        path('pae'),
        Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `), body]),
      );
      writeFileSync(path('sig'), Buffer.from(signatures[0]?.sig ?? '', 'base64'));
      const args = [
        'pkeyutl',
        '-verify',
        '-rawin',
        '-pubin',
        '-inkey',
        path('key.pem'),
        '-in',
        path('pae'),
        '-sigfile',
        path('sig'),
      ];
      expect(spawnSync('openssl', args).status).toBe(0);
    }
  });
});

it('makes CloudEvents that their own library finds valid, each once', async () => {
  const events = (await exported('cloudevents')).map((line) => new CloudEvent(JSON.parse(line)));
  expect(events.map((event) => event.validate())).toEqual([true, true, true, true, true]);
  expect(new Set(events.map(({ source, id }) => `${source} ${id}`)).size).toBe(5);
  expect(events.map(({ type }) => type.split('.').at(2))).toEqual([
    'run',
    'enforce',
    'enforce',
    'enforce',
    'effect',
  ]);
});

it('makes OCSF findings with every attribute that class 2003 and its parents require', async () => {
  const findings = (await exported('ocsf')).map((line) => JSON.parse(line));
  expect(findings).toHaveLength(3);
  for (const finding of findings) {
    // schema.ocsf.io, 1.5.0: base_event, finding and compliance_finding; metadata, product, finding_info.
    const required =
      'activity_id category_uid class_uid metadata severity_id time type_uid finding_info compliance'.split(
        ' ',
      );
    expect(Object.keys(finding)).toEqual(expect.arrayContaining(required));
    expect(Object.keys(finding.metadata)).toEqual(expect.arrayContaining(['product', 'version']));
    expect(finding.metadata.product).toHaveProperty('vendor_name');
    expect(Object.keys(finding.finding_info)).toEqual(expect.arrayContaining(['title', 'uid']));
    expect(finding.type_uid).toBe(finding.class_uid * 100 + finding.activity_id);
    expect(Number.isInteger(finding.time)).toBe(true);
  }
  expect(findings.map(({ compliance }) => compliance.status_id)).toEqual([1, 3, 2]);
});

it('makes OTLP requests that a receiver takes over HTTP, 64-bit numbers as text', async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString('utf8'));
      response.setHeader('content-type', 'application/json').end('{"partialSuccess":{}}');
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    for (const body of await exported('otlp')) {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`http://127.0.0.1:${port}/v1/logs`, { method: 'POST', headers, body });
      expect(answer.status).toBe(200);
    }
  } finally {
    server.close();
  }
  expect(bodies).toHaveLength(1);
  // What OpenTelemetry's own protobuf type knows nothing of, or reads otherwise, would not come back.
  const type = (root as unknown as OtlpRoot).opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
  const read = type.decode(type.encode(type.fromObject(JSON.parse(bodies[0] ?? ''))).finish());
  const withoutEmpty = (value: unknown): string =>
    JSON.stringify(value, (_key, each: unknown) =>
      Array.isArray(each) && each.length === 0 ? undefined : each,
    );
  expect(JSON.parse(withoutEmpty(type.toObject(read, { longs: String })))).toEqual(
    JSON.parse(withoutEmpty(JSON.parse(bodies[0] ?? ''))),
  );
  const [{ resource, scopeLogs }] = JSON.parse(bodies[0] ?? '').resourceLogs;
  expect(resource.attributes).toContainEqual({
    key: 'host.name',
    value: { stringValue: processIdentity().host },
  });
  const records = scopeLogs[0].logRecords;
  expect(records.map(({ severityNumber }: { severityNumber: number }) => severityNumber)).toEqual([
    9, 9, 13, 17, 9,
  ]);
  for (const record of records) {
    expect(record.timeUnixNano).toMatch(/^\d{19}$/);
    for (const { value } of record.attributes) expect(Object.keys(value)).toHaveLength(1);
  }
});

it('exports nothing of a journal that is not intact, and no line that nobody vouches for', async () => {
  const directory = await journal();
  const verdict = await verifyDirectory(directory, { pins: [], keepLines: false });
  const all = exportJournal(directory, verdict, { format: 'cloudevents', version: '1' });
  await expect(all.next()).rejects.toThrow(expect.objectContaining({ code: 'export.not-verified' }));
  const open = await openJournal({ directory, signer });
  await open.append(draft(), '');
  expect(await exported('cloudevents', directory)).toHaveLength(5);
  await open.close();
  expect(await exported('cloudevents', directory)).toHaveLength(7);
});
